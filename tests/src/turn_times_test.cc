#include "src/turn_times.h"

#include <catch2/catch.hpp>
#include <limits>

namespace detectd {
namespace {

TEST_CASE("of a thousand turns, ten of them slow, 99 % ended within the time of the others", "[turn_times]") {
  TurnTimes times;
  CHECK(times.within_ns(0.99) == 0);
  for (int i = 0; i < 990; ++i) times.add(1000);
  for (int i = 0; i < 10; ++i) times.add(5'000'000);
  CHECK(times.turns() == 1000);
  CHECK(times.longest_ns() == 5'000'000);
  CHECK(times.within_ns(0.5) >= 1000);
  CHECK(times.within_ns(0.99) <= 1125);
  CHECK(times.within_ns(0.991) >= 5'000'000 * 8 / 9);
  CHECK(times.within_ns(1) == 5'000'000);
}

TEST_CASE("what is told of a turn is at most an eighth more than it took, and never less", "[turn_times]") {
  for (int64_t ns :
       {int64_t{0}, int64_t{1}, int64_t{7}, int64_t{8}, int64_t{9}, int64_t{15}, int64_t{16}, int64_t{17},
        int64_t{1023}, int64_t{1024}, int64_t{999'999'999}, std::numeric_limits<int64_t>::max() / 2}) {
    TurnTimes times;
    times.add(ns);
    times.add(std::numeric_limits<int64_t>::max());
    const int64_t told = times.within_ns(0.5);
    CAPTURE(ns, told);
    CHECK(told >= ns);
    CHECK(told - ns <= ns / 8);
  }
}

TEST_CASE("a clock that goes back makes a turn of no time", "[turn_times]") {
  TurnTimes times;
  times.add(-5);
  CHECK(times.turns() == 1);
  CHECK(times.within_ns(1) == 0);
}

}  // namespace
}  // namespace detectd
