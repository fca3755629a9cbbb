// How a running detectd fares, as it tells detectctl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/result.h"
#include "src/json_value.h"

namespace detectd {

// A receiver of alerts.
struct SinkStatus {
  std::string name = {};
  std::string type = {};
  bool works = true;  // the last attempt, or none was needed yet
  uint64_t delivered = 0;
  uint64_t waiting = 0;
  uint64_t dropped = 0;
  std::string error = {};     // of the last attempt, where it failed
  bool digests = false;       // it is told no single hits
  std::string selftest = {};  // the id of the last hit of detectd.selftest that it took
};

struct MuteStatus {
  std::string rule = {};
  int64_t until_ns = 0;
  std::string reason = {};
  std::string by = {};
};

// Times are of the wall clock; 0 is never.
struct DaemonStatus {
  std::string version;
  int64_t pid = 0;
  int64_t now_ns = 0;
  int64_t started_ns = 0;

  std::string source;      // "ebpf", "connector", "procfs"
  std::string scheduling;  // of the receive thread
  bool blind = false;
  int64_t blind_ns = 0;  // in all
  uint64_t events = 0;
  uint64_t lost = 0;
  uint64_t gaps = 0;
  int64_t last_gap_ns = 0;
  uint64_t queued = 0;  // events that wait between the threads
  uint64_t queue_room = 0;

  std::string mode;             // "dry-run", "enforce"
  std::string configured_mode;  // what detectd.toml and the command line allow
  std::string mode_by;          // who changed it; empty: nobody
  uint64_t rules = 0;           // that run, without built-in ones
  uint64_t inactive_rules = 0;
  uint64_t responding_rules = 0;  // that ask for a response
  std::string rules_digest;
  uint64_t generation = 0;
  int64_t loaded_ns = 0;
  std::string reload_error;  // of the last reload, where it was refused

  std::vector<std::pair<std::string, uint64_t>> hits;  // by level, all levels, from the lowest
  uint64_t folded = 0;
  uint64_t responses_asked = 0;
  uint64_t responses_done = 0;
  uint64_t responses_refused = 0;
  std::string budget_per_rule;  // "5/min"
  std::string budget_total;

  std::string database;  // empty: none
  uint64_t stored = 0;
  uint64_t in_spill = 0;
  uint64_t in_memory = 0;
  uint64_t dropped = 0;

  std::vector<SinkStatus> sinks;
  std::vector<MuteStatus> mutes;
  std::vector<std::pair<std::string, uint64_t>> counts;  // the rest, for who looks closer

  uint64_t all_hits() const;
  // What is wrong now, or was within the last hour, each in words that name a way out; empty: all is well.
  std::vector<std::string> troubles() const;
};

// {"type":"status",...}, one line with its newline.
std::string encode(const DaemonStatus& status);
// What is missing keeps its default.
DaemonStatus parse_status(const JsonValue& object);

}  // namespace detectd
