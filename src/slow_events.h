// Which events took long to judge. What another program had of the processor meanwhile is not counted.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/event.h"

namespace detectd {

struct SlowEvents {
  uint64_t events = 0;
  int64_t slowest_ns = 0;
  std::optional<uint32_t> slowest_pid;

  void add(const Event& event, int64_t took_ns);
  void add(const SlowEvents& other);
};

// A thread's, over events that it judges one after the other.
class LapTimer {
 public:
  // Of a bound of 0 no lap is longer, and no clock is asked.
  explicit LapTimer(int64_t bound_ns);

  // Ends a lap. Its time where that is above the bound, else 0.
  int64_t lap();

 private:
  int64_t bound_ns_;
  int64_t lap_ns_ = 0;  // of the steady clock: begin of this lap
  // Read together, at the begin of some lap.
  int64_t steady_ns_ = 0;
  int64_t thread_ns_ = 0;
};

}  // namespace detectd
