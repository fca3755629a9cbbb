// The tests that stand beside a rule (`[[rule.test]]`), run through the engine that judges events.
#pragma once

#include <string>
#include <vector>

#include "engine/rule_set.h"

namespace detectd {

struct RuleTestResult {
  const Rule* rule = nullptr;      // of the rule set
  const RuleTest* test = nullptr;  // of the rule
  bool matched = false;
  std::string problem;  // the event could not be read: what is wrong with it; else empty

  bool passed() const { return problem.empty() && matched == test->match; }
};

// All tests of all active rules, then of all active correlations, each in the rule set's order. An event
// without `event.action` is of the first kind in the order of EventKind that its rule, or one of those that
// the correlation names, is for. A correlation's events stand at their offsets, whatever time they carry.
std::vector<RuleTestResult> run_rule_tests(const std::shared_ptr<const RuleSet>& rules);

// When the tests of correlations begin: a Thursday, midnight in UTC.
inline constexpr int64_t kTestStartNs = 1'767'225'600 * int64_t{1'000'000'000};
// What an event without `event.action` is.
EventKind first_kind(KindSet kinds);
// The kinds of the events of all rules that correlations name, themselves or by others, in their order.
std::vector<KindSet> kinds_of_inputs(const RuleSet& rules);

}  // namespace detectd
