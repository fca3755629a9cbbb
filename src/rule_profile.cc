#include "src/rule_profile.h"

#include <algorithm>

#include "src/clock.h"

namespace detectd {

RuleProfile::RuleProfile(const RuleSet& rules, uint64_t every)
    : rules_(rules),
      matcher_(rules),
      every_(every),
      clock_ns_(thread_cpu_resolution_ns()),
      costs_(rules.rules().size()) {}

void RuleProfile::observe(const Event& event) {
  const auto& candidates = rules_.for_kind(event.kind).rules;
  if (event.silent || candidates.empty() || seen_++ % every_ != 0) return;
  for (const uint32_t rule : candidates) {
    // Once before, so that the rule's own program and the event are in the cache and rules do not pay for
    // their neighbours.
    matcher_.match_alone(rule, event);
    const int64_t before_ns = thread_cpu_ns();
    matcher_.match_alone(rule, event);
    costs_[rule].total_ns += thread_cpu_ns() - before_ns - clock_ns_;
    ++costs_[rule].samples;
  }
}

double RuleProfile::mean_ns(size_t rule) const {
  const Cost& cost = costs_[rule];
  if (cost.samples == 0) return 0;
  // Below what the clock can tell it is not nothing.
  return std::max(1.0, static_cast<double>(cost.total_ns) / static_cast<double>(cost.samples));
}

}  // namespace detectd
