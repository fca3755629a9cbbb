// How long the turns of a loop took, as a histogram: of any number of turns what takes as much memory as of one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace detectd {

class TurnTimes {
 public:
  void add(int64_t took_ns);

  uint64_t turns() const { return turns_; }
  int64_t longest_ns() const { return longest_ns_; }
  // The time within which `share` of all turns ended: of 0.99, 99 of 100. At most an eighth more than it was, never less;
  // 0 of none.
  int64_t within_ns(double share) const;

 private:
  // Eight to each doubling.
  static constexpr size_t kSteps = 8;
  static constexpr size_t kBuckets = kSteps * 61;

  static size_t bucket_of(uint64_t ns);
  static int64_t end_of(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t turns_ = 0;
  int64_t longest_ns_ = 0;
};

}  // namespace detectd
