#include "engine/rule_coverage.h"

#include <map>
#include <utility>

namespace detectd {
namespace {

// A rule with the tests of `rule` that holds where one of its selections does: so the selections are judged by
// the engine that judges rules.
Rule probe_of(const Rule& rule, const PartCoverage& part, std::string id) {
  Rule probe = rule;
  probe.id = std::move(id);
  probe.name.clear();
  probe.response.reset();
  probe.filters.clear();
  probe.detection.conditions = {{.value = part.selection, .span = part.span}};
  return probe;
}

void note(const RuleTestResult& result, PartCoverage& part) {
  if (!result.problem.empty()) return;
  (result.matched ? part.seen_true : part.seen_false) = true;
}

}  // namespace

size_t RuleCoverage::outcomes() const {
  size_t sum = 0;
  for (const PartCoverage& part : parts) sum += part.outcomes();
  return sum;
}

std::vector<RuleCoverage> cover_rules(const RuleDocument& document, const RuleSet& rules,
                                      const std::vector<RuleTestResult>& results) {
  std::vector<RuleCoverage> covered;
  // Pointers into it stay.
  covered.reserve(rules.rules().size() + rules.correlations().size());
  std::map<const Rule*, PartCoverage*> condition_of;
  std::map<std::string, PartCoverage*> part_of_probe;
  RuleDocument probes;
  probes.lists = document.lists;
  probes.fields = document.fields;
  const auto cover = [&](const Rule& rule) {
    RuleCoverage& coverage = covered.emplace_back();
    coverage.rule = &rule;
    for (const Selection& selection : rule.detection.selections) {
      coverage.parts.push_back({.selection = selection.name, .span = selection.span});
    }
    const auto& conditions = rule.detection.conditions;
    coverage.parts.push_back({.span = conditions.empty() ? rule.span : conditions.front().span});
    condition_of.emplace(&rule, &coverage.parts.back());
    for (size_t i = 0; i + 1 < coverage.parts.size(); ++i) {
      std::string id = std::to_string(covered.size()) + "." + std::to_string(i);
      part_of_probe.emplace(id, &coverage.parts[i]);
      probes.rules.push_back(probe_of(rule, coverage.parts[i], std::move(id)));
    }
  };
  for (const CompiledRule& compiled : rules.rules()) cover(*compiled.rule);
  for (const CompiledCorrelation& compiled : rules.correlations()) cover(*compiled.rule);
  for (const RuleTestResult& result : results) note(result, *condition_of.at(result.rule));
  Diagnostics told_already;
  const auto probe_set = RuleSet::compile(probes, told_already);
  for (const RuleTestResult& result : run_rule_tests(probe_set)) {
    note(result, *part_of_probe.at(result.rule->id));
  }
  return covered;
}

}  // namespace detectd
