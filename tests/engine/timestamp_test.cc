#include "engine/timestamp.h"

#include <catch2/catch.hpp>

using detectd::civil_time;
using detectd::format_rfc3339;
using detectd::parse_rfc3339;

TEST_CASE("times survive being written and read, at every number of digits", "[timestamp]") {
  const int64_t time_ns = 1'795'356'187'112'345'678;
  CHECK(format_rfc3339(time_ns) == "2026-11-22T14:03:07.112345678Z");
  CHECK(format_rfc3339(time_ns, 3) == "2026-11-22T14:03:07.112Z");
  CHECK(format_rfc3339(time_ns, 0) == "2026-11-22T14:03:07Z");
  CHECK(parse_rfc3339(format_rfc3339(time_ns)) == time_ns);
  CHECK(format_rfc3339(-1) == "1969-12-31T23:59:59.999999999Z");
}

TEST_CASE("a time is read in any spelling of RFC 3339", "[timestamp]") {
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_rfc3339("1970-01-01 00:00:01.5z") == 1'500'000'000);
  CHECK(parse_rfc3339("1970-01-01T01:00:00+01:00") == 0);
  CHECK(parse_rfc3339("1969-12-31T19:00:00-05:00") == 0);
  CHECK(parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2017-01-01T00:00:00Z"));
  CHECK(parse_rfc3339("1970-01-01T00:00:00.1234567891Z") == 123'456'789);
}

TEST_CASE("what is no time is refused", "[timestamp]") {
  const char* const bad = GENERATE("", "1970", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
                                   "1970-02-30T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z",
                                   "1970-01-01T00:00:00Zx", "1677-01-01T00:00:00Z", "2262-01-01T00:00:00Z",
                                   "1970-01-01T00:00:00+24:00", "+970-01-01T00:00:00Z");
  CAPTURE(bad);
  CHECK_FALSE(parse_rfc3339(bad));
}

TEST_CASE("weeks are those of ISO 8601", "[timestamp]") {
  const auto week = [](const char* date) {
    return civil_time(*parse_rfc3339(std::string(date) + "T12:00:00Z")).iso_week;
  };
  CHECK(week("2026-11-22") == 47);
  CHECK(week("2026-01-01") == 1);
  CHECK(week("2027-01-01") == 53);
  CHECK(week("2024-12-30") == 1);
  CHECK(week("2021-01-03") == 53);
}
