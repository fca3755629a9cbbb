#include "src/rule_document.h"

#include <unistd.h>

#include "engine/rule_parser.h"
#include "src/report/hit_view.h"
#include "src/rule_files.h"
#include "src/text.h"

namespace detectd {

Result<std::vector<std::string>> present_rule_paths() {
  std::vector<std::string> present;
  std::string missing;
  for (const char* path : kRulePaths) {
    if (access(path, F_OK) == 0) present.emplace_back(path);
    missing += (missing.empty() ? "" : " nor ") + std::string(path);
  }
  if (!present.empty()) return present;
  return Error{Errc::kRules, "there are no rules: neither " + missing + " exists"};
}

namespace {

// Their names have a dot, which no rule of a file may have.
void add_built_in(const SourcePtr& file, RuleDocument& document, Diagnostics& diagnostics) {
  const size_t first = document.rules.size();
  parse_rules(file, document, diagnostics);
  for (size_t i = first; i < document.rules.size(); ++i) document.rules[i].name.insert(0, "detectd.");
}

}  // namespace

Result<RuleDocument> load_rule_document(const std::vector<std::string>& paths, Diagnostics& diagnostics,
                                        RuleOwners* owners, const SourcePtr& built_in) {
  const auto files = read_rule_files(paths, owners);
  if (!files) return files.error();
  RuleDocument document;
  for (const SourcePtr& file : *files) parse_rules(file, document, diagnostics);
  if (built_in) add_built_in(built_in, document, diagnostics);
  check_document(document, diagnostics);
  return document;
}

std::string checked_text(size_t rules, const Diagnostics& diagnostics, const RuleSet& set) {
  const size_t inactive = set.inactive().size();
  return "checked " + plural(rules, "rule") + ": " + plural(diagnostics.errors(), "error") + ", " +
         plural(diagnostics.warnings(), "warning") +
         (inactive == 0 ? "" : "; " + with_separators(inactive) + " inactive");
}

}  // namespace detectd
