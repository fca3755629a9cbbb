#include "src/rule_profile.h"

#include "src/clock.h"

namespace detectd {

RuleProfile::RuleProfile(const RuleSet& rules)
    : rules_(rules), matcher_(rules), costs_(rules.rules().size()) {}

void RuleProfile::observe(const Event& event) {
  const auto& candidates = rules_.for_kind(event.kind).rules;
  if (event.silent || candidates.empty() || seen_++ % kEvery != 0) return;
  for (const uint32_t rule : candidates) {
    // Once before, so that the rule's own program and the event are in the cache and rules do not pay for
    // their neighbours.
    matcher_.match_alone(rule, event);
    const int64_t before_ns = steady_clock_ns();
    matcher_.match_alone(rule, event);
    costs_[rule].total_ns += steady_clock_ns() - before_ns;
    ++costs_[rule].samples;
  }
}

double RuleProfile::mean_ns(size_t rule) const {
  const Cost& cost = costs_[rule];
  return cost.samples == 0 ? 0 : static_cast<double>(cost.total_ns) / static_cast<double>(cost.samples);
}

}  // namespace detectd
