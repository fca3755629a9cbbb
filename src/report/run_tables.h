// Tables for the end of a run: --stats and --profile.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace detectd {

struct StatisticsView {
  std::vector<std::pair<std::string, uint64_t>> events_by_kind;
  std::vector<std::pair<std::string, int64_t>> nanoseconds_by_stage;
  std::vector<std::pair<std::string, std::string>> facts;  // name, value
};
std::string statistics_table(const StatisticsView& view);

struct ProfiledRule {
  std::string name;  // escaped
  uint64_t hits = 0;
  uint64_t events = 0;    // of the kinds it looks at
  double sampled_ns = 0;  // the mean of evaluating it alone, 0: no sample
};
// The dearest first: by time an event, then by name. At most `rows` of them, and how many more there are.
std::string profile_table(std::vector<ProfiledRule> rules, size_t rows);

}  // namespace detectd
