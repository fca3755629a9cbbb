// What matching costs where it costs most, and what a bad line does to its neighbours.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/result.h"
#include "engine/rule_set.h"

namespace detectd::bench {

// The rules of a file or directory.
Result<std::shared_ptr<const RuleSet>> read_rules(const std::string& path);

// Of all rules the one that costs most, over the events of a capture: in how many it is asked, times what it costs then.
struct DearestRule {
  std::string name;
  double us = 0;        // on an event of its kinds
  double alone_us = 0;  // the most that any rule costs where all are asked of every event
};
Result<DearestRule> dearest_rule(const std::string& capture, const std::shared_ptr<const RuleSet>& rules);

// All rules on one of 2,000 events that are made to be dear for them, 999 of 1,000 of which cost less.
double hostile_ms(const RuleSet& rules);

// `lines` are good ones, a header first. Some are broken in all ways there are and read among the others: how many of the
// others are then not read.
Result<double> neighbours_lost(std::string_view lines, const std::string& file,
                               const std::shared_ptr<const RuleSet>& rules);

}  // namespace detectd::bench
