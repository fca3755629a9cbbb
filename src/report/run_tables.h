// Tables for the end of a run: --stats and --profile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace detectd {

struct StatisticsView {
  std::vector<std::pair<std::string, uint64_t>> events_by_kind;
  std::vector<std::pair<std::string, int64_t>> nanoseconds_by_stage;
  std::optional<uint64_t> events_per_second;
  std::vector<std::pair<std::string, uint64_t>> counts;  // name, value
  std::string rules_digest;
  std::optional<std::string> hits_digest;
};
std::string statistics_table(const StatisticsView& view);
// The same as members of a JSON object: `"type":"statistics","events_by_kind":{"exec":7},...`.
std::string statistics_members(const StatisticsView& view);

struct ProfiledRule {
  std::string name;  // escaped
  uint64_t hits = 0;
  uint64_t events = 0;    // of the kinds it looks at
  double sampled_ns = 0;  // the mean of evaluating it alone, 0: no sample
};
// The dearest first: by time an event, then by name. At most `rows` of them, and how many more there are.
std::string profile_table(std::vector<ProfiledRule> rules, size_t rows);
// One of them as members of a JSON object: `"type":"profile","rule":"web-shell",...`.
std::string profile_members(const ProfiledRule& rule);

}  // namespace detectd
