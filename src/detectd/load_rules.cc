#include "src/detectd/load_rules.h"

#include <algorithm>

#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/rule_document.h"
#include "src/rule_selection.h"
#include "src/text.h"

namespace detectd {
namespace {

// The built-in paths need not all be there; those that somebody wrote must.
Result<std::vector<std::string>> rule_paths(const Config& config) {
  if (config.find("rules.paths").origin != "default") return config.texts("rules.paths");
  auto present = present_rule_paths();
  if (!present) present.error().message += "; give --rules PATH";
  return present;
}

}  // namespace

Result<LoadedRules> load_rules(const Options& options, const Config& config, Diagnostics& diagnostics,
                               const RuleLoading& loading) {
  const auto paths = rule_paths(config);
  if (!paths) return paths.error();
  auto document = load_rule_document(*paths, diagnostics, loading.owners, loading.built_in);
  if (!document) return document.error();
  const size_t checked = document->rules_written;
  if (diagnostics.errors() == 0) {
    if (Status status = select_rules(options.only, options.skip, *document); !status) {
      return std::move(status).error();
    }
  }
  auto set = RuleSet::compile(*document, diagnostics);
  return LoadedRules{checked, *std::move(document), std::move(set)};
}

Result<LoadedRules> load_rules_to_run(const Options& options, const Config& config, Diagnostics& diagnostics,
                                      const RuleLoading& loading) {
  Result<LoadedRules> rules = load_rules(options, config, diagnostics, loading);
  log::show(diagnostics);
  if (!rules) {
    log::error(rules.error().message);
    return std::move(rules).error();
  }
  if (diagnostics.errors() != 0) {
    log::error(plural(diagnostics.errors(), "mistake") + " in the rules: nothing was run");
    return Error{Errc::kRules, {}};
  }
  const auto is_built_in = [&](const CompiledRule& rule) { return rule.rule->file == loading.built_in; };
  if (std::all_of(rules->set->rules().begin(), rules->set->rules().end(), is_built_in)) {
    log::error("there is no rule to run");
    return Error{Errc::kRules, {}};
  }
  log::info(plural(rules->set->rules().size(), "rule") + " to run, " +
            with_separators(rules->set->inactive().size()) + " inactive");
  return rules;
}

}  // namespace detectd
