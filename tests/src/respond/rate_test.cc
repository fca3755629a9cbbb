#include "src/respond/rate.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

TEST_CASE("a rate is a number and a unit, or 0 for no limit", "[respond]") {
  struct Case {
    const char* text;
    uint64_t count;
    int64_t per_s;
  };
  for (const Case& each : {Case{"5/s", 5, 1}, Case{"20/min", 20, 60}, Case{"100/h", 100, 3600}}) {
    CAPTURE(each.text);
    const auto rate = parse_rate(each.text);
    REQUIRE(rate);
    CHECK(rate->count == each.count);
    CHECK(rate->period_ns == each.per_s * kSecondNs);
  }
  REQUIRE(parse_rate("0"));
  CHECK(parse_rate("0")->count == 0);
  for (const char* const text : {"", "5", "5/", "5/d", "/min", "-1/s", "0/min", "1000001/s", "5/min "}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rate(text));
  }
}

}  // namespace
}  // namespace detectd
