#include "src/slow_events.h"

#include <catch2/catch.hpp>

#include "src/clock.h"

namespace detectd {
namespace {

// Of the processor.
void work(int64_t duration_ns) {
  for (const int64_t end_ns = steady_clock_ns() + duration_ns; steady_clock_ns() < end_ns;) {
  }
}

}  // namespace

TEST_CASE("a lap that is longer than the bound has its time, others have none", "[pipeline]") {
  LapTimer none(0);
  work(1'000);
  CHECK(none.lap() == 0);
  LapTimer any(1);
  work(1'000);
  CHECK(any.lap() > 0);
  LapTimer never(INT64_MAX);
  work(1'000);
  CHECK(never.lap() == 0);
}

TEST_CASE("what others had of the processor is not the event's", "[pipeline]") {
  LapTimer timer(1'000'000);
  // Waiting takes none of it; how long it takes is of no matter.
  timespec pause{.tv_sec = 0, .tv_nsec = 2'000'000};
  nanosleep(&pause, nullptr);
  CHECK(timer.lap() == 0);
}

TEST_CASE("of several slow events the slowest is remembered, and all are counted", "[pipeline]") {
  SlowEvents events;
  for (const int64_t took_ns : {5, 9, 7}) {
    Event event;
    event.clear();
    event.set_integer(process_field(Leaf::kPid), took_ns * 10);
    events.add(event, took_ns);
  }
  CHECK(events.events == 3);
  CHECK(events.slowest_ns == 9);
  CHECK(events.slowest_pid == 90u);
}

}  // namespace detectd
