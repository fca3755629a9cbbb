// Conditions of the host that [on] of the configuration is about, and that last: told once when they begin.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/live/health.h"

namespace detectd {

struct ConditionSigns {
  bool disk_low = false;
  bool disk_full = false;
  uint64_t heard = 0;  // events so far, of the kernel; grows
};

class Conditions {
 public:
  struct Options {
    bool tell_disk_low = false;
    bool tell_disk_full = false;
    bool tell_silence = false;
    int64_t silent_after_ns = 0;
  };
  explicit Conditions(Options options) : options_(options) {}

  // `now_ns` is of a clock that only goes forward, and stands while the host sleeps.
  std::vector<HealthReport> look(const ConditionSigns& signs, int64_t now_ns);

 private:
  Options options_;
  bool low_ = false, full_ = false;
  std::optional<uint64_t> heard_;
  int64_t heard_ns_ = 0;
};

}  // namespace detectd
