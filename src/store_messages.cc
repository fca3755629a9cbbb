#include "src/store_messages.h"

#include <string>
#include <string_view>
#include <utility>

#include "engine/diagnostic.h"
#include "src/log.h"
#include "src/store/database.h"

namespace detectd {
namespace {

struct Help {
  std::string_view code;
  std::string_view text;
};
constexpr Help kHelp[] = {
    {"D400", "name a database of detectd's, or a file that is not there yet: a recording creates it"},
    {"D401", "`detectctl db salvage` copies what can still be read into a new database"},
    {"D402", "name a file that is not there yet: a recording creates it"},
    {"D403", "upgrade detectd, or record into another file"},
    {"D404", "wait until it is done, or end it"},
    {"D405", "free some space, or make the database smaller with `detectctl db prune`"},
};

void tell(const Error& error, Severity severity) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.code = code_of(error);
  diagnostic.message = error.message.substr(diagnostic.code.size() + 2);
  for (const Help& help : kHelp) {
    if (help.code == diagnostic.code && severity == Severity::kError) diagnostic.help = help.text;
  }
  Diagnostics diagnostics;
  diagnostics.add(std::move(diagnostic));
  log::show(diagnostics);
}

}  // namespace

void tell_store_error(const Error& error) {
  if (code_of(error).empty()) return log::error(error.message);
  tell(error, Severity::kError);
}

void tell_store_warning(const Error& error) {
  if (code_of(error).empty()) return log::warning(error.message);
  tell(error, Severity::kWarning);
}

}  // namespace detectd
