#include "engine/rule_coverage.h"

#include <map>
#include <utility>

#include "engine/rule_test.h"

namespace detectd {
namespace {

// A rule with the tests of `rule` that holds where one part of it does: so the selections are judged by the
// engine that judges rules.
Rule probe_of(const Rule& rule, const PartCoverage& part, std::string id) {
  Rule probe = rule;
  probe.id = std::move(id);
  probe.name.clear();
  probe.response.reset();
  if (!part.selection.empty()) {
    probe.detection.conditions = {{.value = part.selection, .span = part.span}};
  }
  return probe;
}

}  // namespace

size_t RuleCoverage::outcomes() const {
  size_t sum = 0;
  for (const PartCoverage& part : parts) sum += part.outcomes();
  return sum;
}

std::vector<RuleCoverage> cover_rules(const RuleDocument& document, const RuleSet& rules) {
  std::vector<RuleCoverage> covered;
  covered.reserve(rules.rules().size());
  RuleDocument probes;
  probes.lists = document.lists;
  probes.fields = document.fields;
  std::map<std::string, std::pair<size_t, size_t>> part_of_probe;
  for (const CompiledRule& compiled : rules.rules()) {
    RuleCoverage& coverage = covered.emplace_back();
    coverage.rule = compiled.rule.get();
    const Detection& detection = compiled.rule->detection;
    for (const Selection& selection : detection.selections) {
      coverage.parts.push_back({.selection = selection.name, .span = selection.span});
    }
    coverage.parts.push_back({.span = detection.conditions.front().span});
    for (size_t i = 0; i < coverage.parts.size(); ++i) {
      std::string id = std::to_string(covered.size()) + "." + std::to_string(i);
      part_of_probe.emplace(id, std::pair(covered.size() - 1, i));
      probes.rules.push_back(probe_of(*compiled.rule, coverage.parts[i], std::move(id)));
    }
  }
  Diagnostics told_already;
  const auto probe_set = RuleSet::compile(probes, told_already);
  for (const RuleTestResult& result : run_rule_tests(probe_set)) {
    if (!result.problem.empty()) continue;
    const auto [rule, part] = part_of_probe.at(result.rule->id);
    PartCoverage& seen = covered[rule].parts[part];
    (result.matched ? seen.seen_true : seen.seen_false) = true;
  }
  return covered;
}

}  // namespace detectd
