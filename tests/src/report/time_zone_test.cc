#include "src/report/time_zone.h"

#include <catch2/catch.hpp>

#include "engine/timestamp.h"

namespace detectd {
namespace {

const int64_t kNow = parse_rfc3339("2026-11-22T10:30:00Z").value();

std::string parsed(const char* text) {
  const auto time_ns = parse_time(text, kNow);
  return time_ns ? format_rfc3339(*time_ns, 0) : "refused";
}

}  // namespace

TEST_CASE("a time on the command line may be written in several ways", "[report]") {
  struct Case {
    const char* in;
    const char* want;
  };
  REQUIRE(use_time_zone("UTC"));
  for (const Case& c : {
           Case{"2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"},
           Case{"2026-11-21T10:00:00+01:00", "2026-11-21T09:00:00Z"},
           Case{"2026-11-21 10:00", "2026-11-21T10:00:00Z"},
           Case{"2026-11-21 10:00:30", "2026-11-21T10:00:30Z"},
           Case{"2026-11-21", "2026-11-21T00:00:00Z"},
           Case{"now", "2026-11-22T10:30:00Z"},
           Case{"today", "2026-11-22T00:00:00Z"},
           Case{"yesterday", "2026-11-21T00:00:00Z"},
           Case{"-2h", "2026-11-22T08:30:00Z"},
           Case{"-90s", "2026-11-22T10:28:30Z"},
           Case{"gibberish", "refused"},
           Case{"", "refused"},
           Case{"-", "refused"},
           Case{"2h", "refused"},
           Case{"2026-02-31", "refused"},
           Case{"2026-11-21 10:00x", "refused"},
           Case{"9999-01-01", "refused"},
       }) {
    CAPTURE(c.in);
    CHECK(parsed(c.in) == c.want);
  }
}

TEST_CASE("a time without an offset is one of the chosen zone, and is shown with its offset", "[report]") {
  if (!use_time_zone("Europe/Berlin")) {
    WARN("skipped: this system has no time zone data");
    return;
  }
  CHECK(parsed("2026-11-21 10:00") == "2026-11-21T09:00:00Z");
  CHECK(parsed("2026-07-21 10:00") == "2026-07-21T08:00:00Z");
  CHECK(parsed("yesterday") == "2026-11-20T23:00:00Z");
  CHECK(format_time(kNow) == "2026-11-22T11:30:00.000+01:00");
  CHECK(format_time_of_day(kNow) == "11:30:00+01:00");
  REQUIRE(use_time_zone("UTC"));
  CHECK(format_time(kNow, 0) == "2026-11-22T10:30:00Z");
}

TEST_CASE("a zone that does not exist is refused, not taken for UTC", "[report]") {
  for (const char* zone : {"Europe/Berln", "", "/etc/passwd", "../../etc/passwd", "Europe", "a b"}) {
    CAPTURE(zone);
    CHECK_FALSE(use_time_zone(zone));
  }
}

}  // namespace detectd
