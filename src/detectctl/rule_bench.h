// What rules cost on events: each by itself, and all of them together on each event.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/matcher.h"
#include "src/rule_profile.h"

namespace detectd {

// Of all rules together on one event. The time of the thread, so that what else runs on the machine is not in it.
struct MatchCost {
  size_t events = 0;
  double mean_ns = 0;
  int64_t p50_ns = 0;
  int64_t p99_ns = 0;
  int64_t p999_ns = 0;
  int64_t max_ns = 0;
};

struct RuleCost {
  uint32_t rule = 0;    // index into RuleSet::rules()
  uint64_t events = 0;  // of its kinds
  uint64_t asked = 0;   // of them: those in which one of its keys is; all, where it has none
  uint64_t held = 0;
  bool always_asked = false;
  double ns =
      0;  // RuleProfile::mean_ns: the rule by itself, on an event of its kinds; 0 where there was none
};

class RuleBench {
 public:
  // `rules` must outlive it. Of `profile_every` events the cost of each rule is measured on one.
  explicit RuleBench(const RuleSet& rules, uint64_t profile_every);

  // An event that the engine has observed. Silent ones are passed over.
  void observe(const Event& event);

  MatchCost match_cost() const;
  // By rule.
  std::vector<RuleCost> rule_costs() const;

 private:
  const RuleSet& rules_;
  Matcher matcher_;
  RuleProfile profile_;
  int64_t clock_ns_;  // what asking for the time takes
  std::vector<int64_t> match_ns_;
  std::vector<uint64_t> events_by_kind_;
  std::vector<uint64_t> found_;  // by rule
  std::vector<uint64_t> held_;   // by rule
  std::vector<uint32_t> now_;
};

// By rule: the keys one of which must be in an event for it to be asked, as `process.command_line has "/etc/shadow"`,
// and how many more there are; escaped. Empty for a rule that is always asked, and for one that never holds.
std::vector<std::string> key_texts(const RuleSet& rules);

}  // namespace detectd
