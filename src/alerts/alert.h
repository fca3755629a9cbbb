// What reaches a person or a program: a hit, or what stands for many of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/rule.h"

namespace detectd {

// Its hits are told every sink, whatever it asks for: to see that they arrive.
inline constexpr std::string_view kSelftestRule = "detectd.selftest";

enum class AlertKind : uint8_t {
  kHit,
  kFold,       // hits beyond what a sink may be sent, as numbers
  kDigest,     // what was in a stretch of time
  kHeartbeat,  // that somebody watches
  kNotice,     // about alerts themselves: that some are lost
};
std::string_view to_string(AlertKind kind);

// Texts that people read are escaped; `json` is whole.
struct Alert {
  AlertKind kind = AlertKind::kHit;
  int64_t n = 0;   // the number of the hit, or of the last that it stands for
  std::string id;  // of a hit its own; of others such that the same told again has the same
  int64_t time_ns = 0;
  int64_t stored_ns = 0;
  Level level = Level::kInformational;
  std::string text;  // one line, as a person wants to read it first
  std::string json;  // one object on one line, without a newline

  // A hit's.
  std::string rule_id, rule_name, rule_title;
  std::vector<std::string> tags;
  std::string host;
  std::optional<int64_t> pid, parent_pid;
  std::string name, parent_name, executable, command_line, user_id, user_name;
  std::string response, response_outcome;
  uint64_t count = 1;
  std::string event;  // JSON
};

}  // namespace detectd
