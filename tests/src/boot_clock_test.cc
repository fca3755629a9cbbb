#include "src/boot_clock.h"

#include <catch2/catch.hpp>

using namespace detectd;

namespace {
constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

ClockReading at(int64_t boot_ns, int64_t wall_ns, int64_t suspended_ns = 0) {
  return {.wall_ns = wall_ns, .boot_ns = boot_ns, .monotonic_ns = boot_ns - suspended_ns};
}
}  // namespace

TEST_CASE("TRUST 12: the wall clock set back a day counts from then on, and changes nothing before",
          "[live]") {
  BootClock clock(at(100 * kSecond, 10 * kDay));
  CHECK(clock.wall_ns(90 * kSecond) == 10 * kDay - 10 * kSecond);
  CHECK(clock.update(at(101 * kSecond, 10 * kDay + kSecond)).wall_ns == 0);
  CHECK(clock.update(at(102 * kSecond, 9 * kDay + 2 * kSecond)).wall_ns == -kDay);
  CHECK(clock.wall_ns(101 * kSecond) == 10 * kDay + kSecond);
  CHECK(clock.wall_ns(103 * kSecond) == 9 * kDay + 3 * kSecond);
  CHECK(clock.update(at(104 * kSecond, 9 * kDay + 4 * kSecond)).wall_ns == 0);
}

TEST_CASE("a clock that drifts is left alone: a start read twice is the same", "[live]") {
  BootClock clock(at(100 * kSecond, kDay));
  CHECK(clock.update(at(200 * kSecond, kDay + 100 * kSecond + kSecond / 2)).wall_ns == 0);
  CHECK(clock.wall_ns(150 * kSecond) == kDay + 50 * kSecond);
}

TEST_CASE("TRUST 13: what happens after a suspend is later by it", "[live]") {
  BootClock clock(at(100 * kSecond, kDay, 40 * kSecond));
  CHECK(clock.boot_ns(60 * kSecond) == 100 * kSecond);
  const BootClock::Jump jump = clock.update(at(3700 * kSecond, kDay + 3600 * kSecond, 3600 * kSecond));
  CHECK(jump.suspend_ns == 3560 * kSecond);
  CHECK(jump.wall_ns == 0);
  CHECK(clock.boot_ns(101 * kSecond) == 3701 * kSecond);
}

TEST_CASE("the clock may be set any number of times", "[live]") {
  BootClock clock(at(0, kDay));
  for (int64_t i = 1; i <= 1000; ++i) clock.update(at(i * kSecond, kDay + i * 10 * kSecond));
  CHECK(clock.wall_ns(1000 * kSecond) == kDay + 10'000 * kSecond);
  CHECK(clock.wall_ns(-5) == kDay - 5);
}
