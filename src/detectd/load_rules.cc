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

// What cannot be denied is responded to when it has happened.
void fall_back(RuleDocument& document) {
  for (Rule& rule : document.rules) {
    const bool denies = rule.response && rule.response->action == ResponseAction::kDeny;
    if (!denies || !rule.response->fallback || rule.on != KindSet{EventKind::kExecCheck}) continue;
    rule.on = {EventKind::kExec};
    rule.response->action = *rule.response->fallback;
    rule.response->fallback.reset();
  }
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
    if (Status status = select_rules(options.only, options.skip, *document, loading.built_in); !status) {
      return std::move(status).error();
    }
  }
  if (loading.no_exec_checks) fall_back(*document);
  auto set = RuleSet::compile(*document, diagnostics);
  const auto is_ours = [&](const auto& rule) { return rule.rule->file != loading.built_in; };
  const auto count = [&](const auto& rules) {
    return static_cast<size_t>(std::count_if(rules.begin(), rules.end(), is_ours));
  };
  const size_t running = count(set->rules()) + count(set->correlations());
  return LoadedRules{checked, *std::move(document), std::move(set), running};
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
    Error error{Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the rules: nothing was run"};
    log::error(error.message);
    return error;
  }
  if (rules->running == 0) {
    Error error{Errc::kRules, "there is no rule to run"};
    log::error(error.message);
    return error;
  }
  log::info(plural(rules->set->rules().size(), "rule") + " to run, " +
            with_separators(rules->set->inactive().size()) + " inactive");
  return rules;
}

}  // namespace detectd
