#include "src/alerts/schedule.h"

#include <stdlib.h>
#include <time.h>

#include <catch2/catch.hpp>

#include "engine/timestamp.h"
#include "src/alerts/rate_limit.h"

namespace detectd {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// Local time is that of `zone` meanwhile.
class Zone {
 public:
  explicit Zone(const char* zone) {
    if (const char* const before = getenv("TZ")) before_ = before;
    setenv("TZ", zone, 1);
    tzset();
  }
  ~Zone() {
    if (before_.empty()) {
      unsetenv("TZ");
    } else {
      setenv("TZ", before_.c_str(), 1);
    }
    tzset();
  }

 private:
  std::string before_;
};

int64_t at(const char* text) { return parse_rfc3339(text).value(); }
std::string next(const Schedule& schedule, const char* from) {
  return format_rfc3339(schedule.next(at(from)), 0);
}
std::string due(const Schedule& schedule, const char* done, const char* now) {
  const auto time_ns = schedule.due(at(done), at(now));
  return time_ns ? format_rfc3339(*time_ns, 0) : "not yet";
}

}  // namespace

TEST_CASE("what comes every five minutes comes at the same minutes, whoever asks when", "[alerts]") {
  const Schedule schedule({.every_ns = 5 * kMinute});
  CHECK(next(schedule, "2026-11-22T10:00:00Z") == "2026-11-22T10:05:00Z");
  CHECK(next(schedule, "2026-11-22T10:04:59Z") == "2026-11-22T10:05:00Z");
  CHECK(due(schedule, "2026-11-22T10:00:00Z", "2026-11-22T10:04:59Z") == "not yet");
  CHECK(due(schedule, "2026-11-22T10:00:00Z", "2026-11-22T10:05:07Z") == "2026-11-22T10:05:00Z");
  // A thousand times late by some seconds is not late by more.
  int64_t done_ns = at("2026-11-22T10:00:00Z");
  for (int i = 0; i < 1000; ++i) {
    const auto time_ns = schedule.due(done_ns, schedule.next(done_ns) + 7 * kNanosPerSecond);
    REQUIRE(time_ns);
    done_ns = *time_ns;
  }
  CHECK(done_ns == at("2026-11-22T10:00:00Z") + 1000 * 5 * kMinute);
}

TEST_CASE("a host that slept is told once, up to the last time that passed", "[alerts]") {
  const Schedule daily({.every_ns = kDay, .at_minute = 8 * 60});
  const Zone zone("UTC");
  CHECK(due(daily, "2026-11-20T08:00:00Z", "2026-11-22T11:00:00Z") == "2026-11-22T08:00:00Z");
  CHECK(due(daily, "2026-11-22T08:00:00Z", "2026-11-22T11:00:00Z") == "not yet");
}

TEST_CASE("a clock that was set back tells nothing twice", "[alerts]") {
  const Schedule schedule({.every_ns = kHour});
  CHECK(due(schedule, "2026-11-22T10:00:00Z", "2026-11-22T07:30:00Z") == "not yet");
  CHECK(due(schedule, "2026-11-22T10:00:00Z", "2026-11-22T10:30:00Z") == "not yet");
  CHECK(due(schedule, "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z") == "2026-11-22T11:00:00Z");
}

TEST_CASE("a time of day is local, also where a day has 23 or 25 hours", "[alerts]") {
  const Zone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const Schedule daily({.every_ns = kDay, .at_minute = 8 * 60 + 30});
  CHECK(next(daily, "2026-03-28T07:30:00Z") == "2026-03-29T06:30:00Z");  // 23 hours later
  CHECK(next(daily, "2026-03-29T06:30:00Z") == "2026-03-30T06:30:00Z");
  CHECK(next(daily, "2026-10-24T06:30:00Z") == "2026-10-25T07:30:00Z");  // 25
  CHECK(next(daily, "2026-10-25T07:29:59Z") == "2026-10-25T07:30:00Z");
  // 02:30 does not exist on that day, and is not left out.
  const Schedule at_night({.every_ns = kDay, .at_minute = 2 * 60 + 30});
  CHECK(next(at_night, "2026-03-29T00:00:00Z") == "2026-03-29T01:30:00Z");
}

TEST_CASE("periods of hours count from the time of day that is given", "[alerts]") {
  const Zone zone("UTC");
  const Schedule schedule({.every_ns = 6 * kHour, .at_minute = 8 * 60});
  CHECK(next(schedule, "2026-11-22T08:00:00Z") == "2026-11-22T14:00:00Z");
  CHECK(next(schedule, "2026-11-22T21:00:00Z") == "2026-11-23T02:00:00Z");
  CHECK(next(schedule, "2026-11-22T07:59:00Z") == "2026-11-22T08:00:00Z");
}

TEST_CASE("a week's digest comes once in seven days", "[alerts]") {
  const Zone zone("UTC");
  const Schedule weekly({.every_ns = 7 * kDay, .at_minute = 0});
  const int64_t first_ns = weekly.next(at("2026-11-22T10:00:00Z"));
  CHECK(weekly.next(first_ns) - first_ns == 7 * kDay);
  CHECK_FALSE(weekly.due(first_ns, first_ns + 6 * kDay));
  CHECK(weekly.due(first_ns, first_ns + 7 * kDay) == first_ns + 7 * kDay);
}

TEST_CASE("a rate lets so many through at once, then as many as the time allows", "[alerts]") {
  RateLimit limit({.count = 2, .period_ns = kMinute});
  CHECK(limit.take(1));
  CHECK(limit.take(2));
  CHECK_FALSE(limit.take(3));
  CHECK(limit.wait_ns() > 29 * kNanosPerSecond);
  CHECK_FALSE(limit.take(29 * kNanosPerSecond));
  CHECK(limit.take(31 * kNanosPerSecond));
  CHECK(limit.take(kHour));
  CHECK(limit.take(kHour));
  CHECK_FALSE(limit.take(kHour));
  RateLimit none({.count = 0});
  for (int i = 0; i < 1000; ++i) CHECK(none.take(5));
}

}  // namespace detectd
