#include "src/detectctl/rule_loading.h"

#include "src/log.h"
#include "src/rule_document.h"
#include "src/text.h"

namespace detectd {

Result<std::vector<std::string>> rule_paths_of(const Call& call) {
  if (!call.arguments.empty()) return call.arguments;
  auto present = present_rule_paths();
  if (!present) present.error().message += "; give a PATH";
  return present;
}

Result<GoodRules> load_good_rules(const Call& call) {
  const auto told = [](const Error& error) {
    log::error(error.message);
    return error;
  };
  const auto paths = rule_paths_of(call);
  if (!paths) return told(paths.error());
  Diagnostics diagnostics;
  auto document = load_rule_document(*paths, diagnostics);
  if (!document) return told(document.error());
  auto set = RuleSet::compile(*document, diagnostics);
  log::show(diagnostics);
  if (diagnostics.errors() != 0) {
    return told({Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the rules"});
  }
  return GoodRules{*std::move(document), std::move(set)};
}

}  // namespace detectd
