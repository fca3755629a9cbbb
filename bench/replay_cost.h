// A replay by a process that is forked from this one, from the opened file to hits in a database, and what it cost.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "engine/result.h"
#include "engine/rule_set.h"

namespace detectd::bench {

// CPU time of all threads of this process, since it began.
double cpu_seconds();
double wall_seconds();

struct ReplayRun {
  std::string capture;
  std::string database;  // removed before and after
  size_t threads = 1;
  bool skip_bad = false;
};
struct ReplayCost {
  double cpu_s = 0;
  double wall_s = 0;
  uint64_t events = 0;
  uint64_t hits = 0;
};
Result<ReplayCost> measure_replay(const ReplayRun& run, const std::shared_ptr<const RuleSet>& rules);
// All at the same time, each by a process of its own: the seconds that the longest took.
Result<double> measure_beside(std::span<const ReplayRun> runs, const std::shared_ptr<const RuleSet>& rules);

// Rules from TOML text to ready.
Result<std::shared_ptr<const RuleSet>> load_rules(const std::string& toml);

}  // namespace detectd::bench
