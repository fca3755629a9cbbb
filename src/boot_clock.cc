#include "src/boot_clock.h"

#include <time.h>

#include <cstdlib>

#include "engine/timestamp.h"

namespace detectd {
namespace {

int64_t read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return time.tv_sec * kNanosPerSecond + time.tv_nsec;
}

}  // namespace

ClockReading read_clocks() {
  ClockReading reading;
  reading.wall_ns = read_clock(CLOCK_REALTIME);
  reading.boot_ns = read_clock(CLOCK_BOOTTIME);
  reading.monotonic_ns = read_clock(CLOCK_MONOTONIC);
  return reading;
}

BootClock::BootClock(const ClockReading& now)
    : epochs_{{INT64_MIN, now.wall_ns - now.boot_ns}}, suspended_ns_(now.boot_ns - now.monotonic_ns) {}

int64_t BootClock::wall_ns(int64_t boot_ns) const {
  const std::lock_guard lock(mutex_);
  size_t epoch = epochs_.size() - 1;
  while (epoch != 0 && epochs_[epoch].from_boot_ns > boot_ns) --epoch;
  return boot_ns + epochs_[epoch].offset_ns;
}

int64_t BootClock::boot_ns(int64_t monotonic_ns) const {
  const std::lock_guard lock(mutex_);
  return monotonic_ns + suspended_ns_;
}

BootClock::Jump BootClock::update(const ClockReading& now) {
  const std::lock_guard lock(mutex_);
  Jump jump;
  const int64_t suspended_ns = now.boot_ns - now.monotonic_ns;
  if (suspended_ns - suspended_ns_ > kSlackNs) jump.suspend_ns = suspended_ns - suspended_ns_;
  if (jump.suspend_ns != 0) suspended_ns_ = suspended_ns;
  const int64_t offset_ns = now.wall_ns - now.boot_ns;
  const int64_t set_ns = offset_ns - epochs_.back().offset_ns;
  if (std::llabs(set_ns) <= kSlackNs) return jump;
  jump.wall_ns = set_ns;
  if (epochs_.size() == kMaxEpochs) epochs_.erase(epochs_.begin() + 1);
  epochs_.push_back({now.boot_ns, offset_ns});
  return jump;
}

}  // namespace detectd
