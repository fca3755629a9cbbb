// What the tests that stand beside a rule have shown of it: each selection, and the condition, should have
// been seen true and false.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/rule.h"
#include "engine/rule_set.h"
#include "engine/rule_test.h"

namespace detectd {

struct PartCoverage {
  std::string selection = {};  // its name; empty: the condition
  Span span = {};
  bool seen_true = false;
  bool seen_false = false;

  size_t outcomes() const { return (seen_true ? 1u : 0u) + (seen_false ? 1u : 0u); }
};

struct RuleCoverage {
  const Rule* rule = nullptr;       // of the rule set
  std::vector<PartCoverage> parts;  // the selections (of a correlation: none), then the condition

  size_t outcomes() const;
  size_t possible_outcomes() const { return 2 * parts.size(); }
};

// Of all active rules of `rules`, then of all active correlations, in their order. `document` is what the set was made of, `results` what its
// tests gave. Tests whose event can not be read show nothing.
std::vector<RuleCoverage> cover_rules(const RuleDocument& document, const RuleSet& rules,
                                      const std::vector<RuleTestResult>& results);

}  // namespace detectd
