// How much a sink may be sent: a bucket that is full at first and fills at a steady rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace detectd {

struct AlertRate {
  uint64_t count = 0;  // 0: without limit
  int64_t period_ns = 1'000'000'000;
};

class RateLimit {
 public:
  explicit RateLimit(AlertRate rate) : rate_(rate), left_(static_cast<double>(rate.count)) {}

  // `now_ns` is of a clock that only goes forward.
  bool take(int64_t now_ns) {
    if (rate_.count == 0) return true;
    fill(now_ns);
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }
  // After how long the next one is there.
  int64_t wait_ns() const {
    if (rate_.count == 0 || left_ >= 1) return 0;
    return static_cast<int64_t>((1 - left_) / static_cast<double>(rate_.count) *
                                static_cast<double>(rate_.period_ns)) +
           1;
  }

 private:
  void fill(int64_t now_ns) {
    const int64_t passed_ns = filled_ns_ == 0 ? 0 : now_ns - filled_ns_;
    filled_ns_ = now_ns;
    const double capacity = static_cast<double>(rate_.count);
    left_ = std::min(
        capacity, left_ + capacity * static_cast<double>(passed_ns) / static_cast<double>(rate_.period_ns));
  }

  AlertRate rate_;
  double left_;
  int64_t filled_ns_ = 0;
};

}  // namespace detectd
