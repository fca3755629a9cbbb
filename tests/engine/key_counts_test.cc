#include "engine/key_counts.h"

#include <catch2/catch.hpp>

namespace detectd {

TEST_CASE("keys are counted until all are forgotten", "[key_counts]") {
  KeyCounts counts;
  for (int round = 0; round < 3; ++round) {
    for (uint64_t key = 0; key < 1000; ++key) CHECK(counts[key << 32]++ == 0);
    CHECK(counts[224]++ == 0);
    CHECK(counts[uint64_t{7} << 32]++ == 1);
    CHECK(counts.find(uint64_t{7} << 32) == 2);
    CHECK(counts.find(1) == 0);
    CHECK(counts.size() == 1001);
    counts.clear();
    CHECK(counts.size() == 0);
    CHECK(counts.find(uint64_t{7} << 32) == 0);
  }
}

// With a hash that anybody can reckon these would be 10^11 steps.
TEST_CASE("keys that were chosen to collide cost no more than others", "[key_counts]") {
  KeyCounts counts;
  constexpr uint64_t kKeys = 500'000;
  for (uint64_t i = 0; i < kKeys; ++i) ++counts[i << 29 | i];
  CHECK(counts.size() == kKeys);
  CHECK(counts.find(uint64_t{17} << 29 | 17) == 1);
}

}  // namespace detectd
