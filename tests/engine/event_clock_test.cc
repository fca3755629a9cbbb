#include "engine/event_clock.h"

#include <catch2/catch.hpp>

#include <limits>

#include "engine/engine.h"
#include "engine/timestamp.h"
#include "tests/support/events.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

using test::exec;
using test::kMs;

constexpr int64_t kDay = 24 * 3600 * kNanosPerSecond;

Event at(int64_t time_ns, std::optional<int64_t> boot_ns, std::shared_ptr<const CaptureHost> host = nullptr) {
  Event event = exec(7, "/bin/sh");
  event.time_ns = time_ns;
  if (boot_ns) event.set_integer(field::kBootNs, *boot_ns);
  event.host = std::move(host);
  return event;
}

std::shared_ptr<const CaptureHost> boot(const char* id, std::optional<int64_t> booted_ns = std::nullopt) {
  CaptureHost host;
  host.id = "h";
  host.boot_id = id;
  host.booted_ns = booted_ns;
  return std::make_shared<const CaptureHost>(std::move(host));
}

int64_t stamped(EventClock& clock, Event event) {
  clock.stamp(event);
  return event.order_ns();
}

// A day of the wall clock is lost between the second and the third: what a capture shows of it.
std::string line(int64_t wall_ms, int64_t boot_ms, const std::string& event) {
  return R"({"@timestamp":")" + format_rfc3339(2 * kDay + wall_ms * kMs) + R"(","detectd":{"boot_ns":)" +
         std::to_string(boot_ms * kMs) + "}," + event + "}";
}
constexpr int64_t kDayMs = kDay / kMs;

}  // namespace

TEST_CASE("an event without boot time is when its timestamp says", "[event_clock]") {
  EventClock clock;
  CHECK(stamped(clock, at(5, {})) == 5);
  CHECK(stamped(clock, at(3, {})) == 3);
  CHECK(stamped(clock, at(-1, -7)) == -1);
}

TEST_CASE("within a boot only its own clock counts, and it lies beside events that have none",
          "[event_clock]") {
  EventClock clock;
  CHECK(stamped(clock, at(kDay, 1000)) == kDay);
  CHECK(stamped(clock, at(0, 1500)) == kDay + 500);         // the wall clock was set back
  CHECK(stamped(clock, at(9 * kDay, 1600)) == kDay + 600);  // and forward
  CHECK(stamped(clock, at(kDay + 700, {})) == kDay + 700);
  CHECK(clock.order_ns({.time_ns = 0, .boot_ns = 2000, .host = nullptr}) == kDay + 1000);
  CHECK(clock.order_ns({.time_ns = 4, .boot_ns = {}, .host = nullptr}) == 4);
}

TEST_CASE("each boot of each host has its own place in time", "[event_clock]") {
  EventClock clock;
  CHECK(stamped(clock, at(100, 10, boot("a"))) == 100);
  CHECK(stamped(clock, at(kDay, 20, boot("b"))) == kDay);
  CHECK(stamped(clock, at(0, 15, boot("a"))) == 105);
  CHECK(stamped(clock, at(0, 25, boot("b"))) == kDay + 5);
  Event other = at(7000, 15, boot("a"));
  other.set_text(field::kHostId, "h2");
  CHECK(stamped(clock, std::move(other)) == 7000);
  // Where the header says when it was, nothing else is asked.
  CHECK(stamped(clock, at(kDay, 25, boot("c", 500))) == 525);
}

TEST_CASE("times beyond all bounds order as well as they can", "[event_clock]") {
  EventClock clock;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  for (const int64_t time_ns : {kMin, int64_t{0}, kMax}) {
    for (const int64_t boot_ns : {kMin, int64_t{0}, kMax}) {
      for (const auto& host : {boot("x"), boot("y", kMax), boot("z", kMin)}) {
        Event event = at(time_ns, boot_ns, host);
        clock.stamp(event);
        const int64_t shift_ns = event.order_shift_ns;
        int64_t order_ns = 0;
        CHECK_FALSE(__builtin_add_overflow(time_ns, shift_ns, &order_ns));
      }
    }
  }
}

TEST_CASE("TRUST 12: windows hold though the wall clock is set back a day", "[event_clock][correlator]") {
  testing::Stream stream(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "shell"
title = "t"
level = "low"
on = ["exec"]
suppress = { by = ["process.name"], for = "10s" }
[rule.detection]
x."process.name" = "sh"
condition = "x"

[[correlation]]
id = "00000000-0000-4000-8000-000000000002"
name = "three"
title = "t"
generate = true
suppress = false
level = "high"
type = "event_count"
rules = ["shell"]
timespan = "1s"
condition = { gte = 3 }

[[correlation]]
id = "00000000-0000-4000-8000-000000000003"
name = "new"
title = "t"
generate = true
suppress = false
level = "high"
type = "new_terms"
rules = ["shell"]
group-by = ["process.pid"]
learn = "3s"
)toml");
  const auto shell = [&](int64_t wall_ms, int64_t boot_ms, int pid) {
    return testing::names_of(stream.show(
        line(wall_ms, boot_ms,
             R"("event":{"action":"exec"},"process":{"pid":)" + std::to_string(pid) + R"(,"name":"sh"})")));
  };
  CHECK(shell(kDayMs, 5000, 1) == "shell");
  CHECK(shell(kDayMs + 300, 5300, 1) == "");
  CHECK(shell(600, 5600, 1) == "three");
  CHECK(shell(700, 7000, 1) == "");  // two seconds later, whatever the wall clock says
  CHECK(shell(9000, 9000, 2) == "new");
  CHECK(shell(20'000, 20'000, 1) == "shell x5 shell");
}

TEST_CASE("TRUST 12: lineage holds though the wall clock is set back or forward a day",
          "[event_clock][process_table]") {
  for (const int64_t jump_ms : {-kDayMs, kDayMs}) {
    testing::Stream stream(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "child-of-sh"
title = "t"
level = "low"
on = ["exec"]
[rule.detection]
x."process.parent.name" = "sh"
condition = "x"
)toml");
    stream.show(line(kDayMs, 5000, R"("event":{"action":"exec"},"process":{"pid":7,"name":"sh"})"));
    stream.show(line(kDayMs + jump_ms + 100, 5100,
                     R"("event":{"action":"fork"},"process":{"pid":8,"parent":{"pid":7}})"));
    // Ended a moment ago, not a day.
    stream.show(line(kDayMs + 200, 5200, R"("event":{"action":"end"},"process":{"pid":7})"));
    CAPTURE(jump_ms);
    CHECK(testing::names_of(stream.show(
              line(kDayMs + jump_ms + 300, 5300,
                   R"("event":{"action":"exec"},"process":{"pid":8,"name":"id"})"))) == "child-of-sh");
    stream.show(
        line(kDayMs + 400, 5400, R"("event":{"action":"fork"},"process":{"pid":9,"parent":{"pid":7}})"));
    CHECK(testing::names_of(stream.show(
              line(kDayMs + jump_ms + 500, 5500,
                   R"("event":{"action":"exec"},"process":{"pid":9,"name":"id"})"))) == "child-of-sh");
  }
}

TEST_CASE("events are numbered as they are judged, where that is asked for", "[engine]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "second"
title = "t"
level = "low"
on = ["exec"]
[rule.detection]
x."event.sequence" = 2
condition = "x"
)toml");
  testing::Stream stream(rules, {.number_events = true});
  const std::string exec_line = testing::exec_line(1, R"("process":{"pid":7})");
  CHECK(testing::names_of(stream.show(exec_line)) == "");
  CHECK(testing::names_of(stream.show(exec_line)) == "second");
}

}  // namespace detectd
