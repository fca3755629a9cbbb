#include "src/rule_owners.h"

#include <array>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "engine/escape.h"
#include "src/path_way.h"

namespace detectd {

bool RuleOwners::safe(const struct stat& info, uid_t file_owner) const {
  const bool lenient = strictness_ == Strictness::kWarn;
  const uid_t users[] = {0, owner_, lenient ? file_owner : owner_};
  return only_writable_by(info, users, lenient);
}

void RuleOwners::complain(const std::string& path, const std::string& what, const struct stat& info) {
  std::array<char, 64> state{};
  std::snprintf(state.data(), state.size(), " (mode %04o, owner %u)", info.st_mode & 07777U, info.st_uid);
  Diagnostic diagnostic;
  const bool is_rule = subject_ == Subject::kRules;
  diagnostic.code = is_rule ? "D070" : "D209";
  if (strictness_ == Strictness::kWarn) diagnostic.severity = Severity::kWarning;
  diagnostic.file = std::make_shared<SourceFile>(SourceFile{path, ""});
  diagnostic.message = what + " is writable by others" + state.data();
  const std::string_view decides = S_ISLNK(info.st_mode)    ? "owns it decides where it leads"
                                   : !S_ISDIR(info.st_mode) ? "can write it decides what is done"
                                   : is_rule                ? "can write it can replace rules"
                                                            : "can write it can replace the configuration";
  diagnostic.help = strictness_ == Strictness::kRefuse ? "chown -h root and " : "";
  diagnostic.help += S_ISLNK(info.st_mode) ? "look where it leads" : "chmod go-w it";
  diagnostic.help += ": whoever " + std::string(decides);
  diagnostics_.add(std::move(diagnostic));
}

void RuleOwners::check(const std::string& path, const struct stat& info) {
  const bool is_rule = subject_ == Subject::kRules;
  if (!safe(info, info.st_uid)) complain(path, is_rule ? "the rule file" : "the configuration file", info);
  check_way(path, info.st_uid);
}

// Every directory and every link on the way to the file: who can write where a link lies decides as much as who can
// write where it leads.
void RuleOwners::check_way(const std::string& path, uid_t file_owner) {
  visit_way(path, [&](const std::filesystem::path& place, const struct stat& info) {
    const bool is_link = S_ISLNK(info.st_mode);
    const bool is_news = (is_link || S_ISDIR(info.st_mode)) && seen_.insert(place.string()).second;
    if (!is_news || safe(info, file_owner)) return;
    complain(path, (is_link ? "the link " : "the directory ") + escape_text(place.string()), info);
  });
}

}  // namespace detectd
