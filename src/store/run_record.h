// A run: what was asked for, with which rules, and how complete it was.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace detectd {

struct RunStart {
  std::vector<std::string> command;
  std::string version;
  std::string rules_digest;  // hexadecimal
  int64_t time_ns = 0;
  bool alerts = false;  // its hits are told to sinks
};

struct RunEnd {
  std::string ending;  // "end", "limit", "signal", ...
  bool complete = false;
  uint64_t events = 0;
  uint64_t hits = 0;
  uint64_t skipped = 0;
  uint64_t lost = 0;
  uint64_t gaps = 0;
  std::string hits_digest;  // hexadecimal
  int64_t time_ns = 0;
};

}  // namespace detectd
