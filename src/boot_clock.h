// The wall clock's time of moments that the kernel stamped with a clock that nobody can set. The relation of both is
// taken once and kept, so that a process's start read twice is the same both times; only when somebody sets the wall
// clock does a new one begin, from that moment on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

namespace detectd {

// Read together.
struct ClockReading {
  int64_t wall_ns = 0;
  int64_t boot_ns = 0;       // CLOCK_BOOTTIME: goes on in suspend
  int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC: does not
};
ClockReading read_clocks();

// Any thread may ask.
class BootClock {
 public:
  explicit BootClock(const ClockReading& now);

  // Of a moment of this boot.
  int64_t wall_ns(int64_t boot_ns) const;
  // Of a moment not before the last suspend.
  int64_t boot_ns(int64_t monotonic_ns) const;

  struct Jump {
    int64_t wall_ns = 0;     // by how much the wall clock was set forward; 0: not
    int64_t suspend_ns = 0;  // how long the machine slept; 0: not
  };
  // To be called about once a second. Less than kSlackNs is the clocks' own drift.
  Jump update(const ClockReading& now);
  static constexpr int64_t kSlackNs = 2'000'000'000;

 private:
  struct Epoch {
    int64_t from_boot_ns;
    int64_t offset_ns;  // wall - boot
  };
  static constexpr size_t kMaxEpochs = 64;

  mutable std::mutex mutex_;
  std::vector<Epoch> epochs_;
  int64_t suspended_ns_;  // boot - monotonic
};

}  // namespace detectd
