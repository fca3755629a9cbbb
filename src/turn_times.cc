#include "src/turn_times.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace detectd {

// Below 8 ns each its own; above, the three bits behind the highest.
size_t TurnTimes::bucket_of(uint64_t ns) {
  if (ns < kSteps) return static_cast<size_t>(ns);
  const auto shift = static_cast<size_t>(std::bit_width(ns)) - 4;
  return kSteps * (shift + 1) + static_cast<size_t>((ns >> shift) - kSteps);
}

// The largest time that falls into it.
int64_t TurnTimes::end_of(size_t bucket) {
  if (bucket < kSteps) return static_cast<int64_t>(bucket);
  const size_t shift = bucket / kSteps - 1;
  const uint64_t next = static_cast<uint64_t>(kSteps + bucket % kSteps + 1) << shift;
  return static_cast<int64_t>(next - 1);
}

void TurnTimes::add(int64_t took_ns) {
  took_ns = std::max<int64_t>(took_ns, 0);
  ++counts_[bucket_of(static_cast<uint64_t>(took_ns))];
  ++turns_;
  longest_ns_ = std::max(longest_ns_, took_ns);
}

int64_t TurnTimes::within_ns(double share) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(turns_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen != 0 && seen >= wanted) return std::min(end_of(i), longest_ns_);
  }
  return 0;
}

}  // namespace detectd
