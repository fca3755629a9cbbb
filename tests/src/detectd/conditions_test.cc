#include "src/detectd/conditions.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

constexpr int64_t kMinute = int64_t{60} * 1'000'000'000;

std::string told(const std::vector<HealthReport>& reports) {
  std::string text;
  for (const HealthReport& report : reports) text += std::string(report.reason) + " ";
  return text;
}

}  // namespace

TEST_CASE("a disk that fills is told once, and again after it had room", "[alerts]") {
  Conditions conditions({.tell_disk_low = true, .tell_disk_full = true});
  CHECK(told(conditions.look({}, 1)).empty());
  CHECK(told(conditions.look({.disk_low = true}, 2)) == "disk_low ");
  CHECK(told(conditions.look({.disk_low = true}, 3)).empty());
  CHECK(told(conditions.look({.disk_low = true, .disk_full = true}, 4)) == "disk_full ");
  CHECK(told(conditions.look({}, 5)).empty());
  CHECK(told(conditions.look({.disk_low = true, .disk_full = true}, 6)) == "disk_low disk_full ");
}

TEST_CASE("where [on] says `log`, a disk that fills is no hit", "[alerts]") {
  Conditions conditions({});
  CHECK(told(conditions.look({.disk_low = true, .disk_full = true}, 1)).empty());
}

TEST_CASE("that no process began for long is told each time it was that long", "[alerts]") {
  Conditions conditions({.tell_silence = true, .silent_after_ns = 10 * kMinute});
  CHECK(told(conditions.look({.heard = 5}, kMinute)).empty());
  CHECK(told(conditions.look({.heard = 5}, 10 * kMinute)).empty());
  const auto reports = conditions.look({.heard = 5}, 11 * kMinute);
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].message == "no process began for 600.0 s");
  CHECK(told(conditions.look({.heard = 5}, 12 * kMinute)).empty());
  CHECK(told(conditions.look({.heard = 5}, 21 * kMinute)) == "silent ");
  CHECK(told(conditions.look({.heard = 6}, 40 * kMinute)).empty());
}

}  // namespace detectd
