// What the commands that look at hits have in common: which database, which hits, how they are shown.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/regex.h"
#include "src/detectctl/command.h"
#include "src/store/hit_reader.h"

namespace detectd {

inline constexpr const char* kDefaultDatabase = "/var/lib/detectd/hits.db";

struct HitsOptions {
  std::string db = kDefaultDatabase;
  std::optional<std::string> since, until;
  std::vector<std::string> rules;
  std::optional<Level> level;
  std::string user, host, grep;
  bool open = false;
  std::optional<std::string> tz;
  uint64_t limit = 0;  // 0: the command's own
  std::vector<std::string> columns;
  std::vector<std::string> redact;
  std::string group_by = "rule";
  std::string by;
  std::string note;
  bool json = false;
  bool csv = false;
  bool markdown = false;
  bool allow_incomplete = false;
};

// Tables of options, by what a command can do.
std::span<const OptionRow> list_options();
std::span<const OptionRow> export_options();
std::span<const OptionRow> follow_options();
std::span<const OptionRow> one_hit_options();
std::span<const OptionRow> tree_options();
std::span<const OptionRow> top_options();
std::span<const OptionRow> timeline_options();
std::span<const OptionRow> ack_options();
std::span<const OptionRow> gaps_options();
std::span<const OptionRow> report_options();
std::span<const OptionRow> db_options();

// An open database, and the hits that the options mean.
struct HitQuery {
  HitReader reader;
  HitFilter filter;
  std::unique_ptr<Regex> grep;  // what filter.grep points to
};
// What is wrong has been told.
Result<HitQuery> open_query(const HitsOptions& options);

// Says below a listing how complete it is (an object with --json, nothing with --csv), and returns the exit status
// that follows.
ExitStatus tell_completeness(const HitQuery& query, const HitsOptions& options, Call& call, uint64_t shown);

// Tells an error of the store and returns the status to exit with.
ExitStatus fail_store(const Error& error);

// `events lost: 1,412 in 2 gaps; 3 lines skipped; run 4 has not ended`, or `complete`.
std::string completeness_text(const Completeness& told);

}  // namespace detectd
