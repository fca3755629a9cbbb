#include "src/respond/budget.h"

namespace detectd {

bool Budget::has_room(Times& granted, const ResponseRate& rate, int64_t now_ns) {
  if (rate.count == 0) {
    granted.clear();
    return true;
  }
  while (!granted.empty() && granted.front() <= now_ns - rate.period_ns) granted.pop_front();
  return granted.size() < rate.count;
}

Budget::Answer Budget::take(const std::string& rule_id, int64_t now_ns) {
  Times& of_rule = by_rule_[rule_id];
  if (!has_room(of_rule, options_.per_rule, now_ns)) return Answer::kRuleSpent;
  if (!has_room(all_, options_.total, now_ns)) return Answer::kAllSpent;
  if (options_.per_rule.count != 0) of_rule.push_back(now_ns);
  if (options_.total.count != 0) all_.push_back(now_ns);
  return Answer::kGranted;
}

}  // namespace detectd
