// What detectctl bench tells.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/detectctl/rule_bench.h"

namespace detectd {

// What no rule should cost on an event.
inline constexpr double kDearRuleNs = 5000;

struct BenchedRule {
  std::string name;  // escaped
  std::string key;   // key_texts
  RuleCost cost;
};

struct BenchView {
  std::vector<BenchedRule> rules;  // in any order
  MatchCost match;
  bool hostile = false;
};

// The dearest rules first: by time an event, then by name. At most `rows` of them, and of those above kDearRuleNs.
std::string bench_table(BenchView view, size_t rows);
// The same as JSON Lines: an object a rule, all of them, and one for the summary.
std::string bench_json(BenchView view);

}  // namespace detectd
