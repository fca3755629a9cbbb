// A stream of events as a busy host makes them, as capture lines with our header: processes that fork, exec,
// and end, from shells, builds, services and containers; command lines repeat as Zipf's law has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace detectd::bench {

struct StreamOptions {
  uint64_t events = 1'000'000;  // lines besides the header
  uint64_t seed = 1;
  uint64_t pids = 30'000;      // distinct process ids, used in turn; at least 16
  double hit_share = 0.005;    // of all events: those that make one of `hit_rules` hold
  double unseen_share = 0.25;  // of the ordinary execs: command lines that occur only once
  size_t hit_rules = 100;
};

// `write` gets blocks of whole lines.
void write_events(const StreamOptions& options, const std::function<void(std::string_view)>& write);

}  // namespace detectd::bench
