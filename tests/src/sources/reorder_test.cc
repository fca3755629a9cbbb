#include "src/sources/reorder.h"

#include <catch2/catch.hpp>

#include <string>

using namespace detectd;

namespace {

void push(Reorder& reorder, int64_t at_us) {
  Event event;
  event.clear();
  event.time_ns = at_us;
  reorder.push(event, at_us * 1000);
}

std::string release(Reorder& reorder, int64_t now_us, bool idle, size_t limit = 1000) {
  std::vector<Event> ready;
  reorder.release(now_us * 1000, idle, limit, ready);
  std::string text;
  for (const Event& event : ready) text += (text.empty() ? "" : " ") + std::to_string(event.time_ns);
  return text;
}

}  // namespace

TEST_CASE("TRUST 14: events of two CPUs come out in the order of their times", "[live]") {
  Reorder reorder;
  push(reorder, 1000);
  push(reorder, 1050);
  push(reorder, 1010);
  push(reorder, 1010);
  CHECK(release(reorder, 1140, true) == "1000 1010 1010");
  CHECK(release(reorder, 1150, true) == "1050");
  CHECK(reorder.empty());
}

TEST_CASE("what somebody is to act on leaves at once, with all that happened before it", "[live]") {
  Reorder reorder;
  push(reorder, 1000);
  push(reorder, 1050);
  push(reorder, 1010);
  CHECK(release(reorder, 1060, false).empty());
  reorder.hurry(1010'000);
  CHECK(release(reorder, 1060, false) == "1000 1010");
  CHECK(release(reorder, 1150, true) == "1050");
}

TEST_CASE("nothing leaves while more is on its way, unless it waited for a millisecond of events", "[live]") {
  Reorder reorder;
  push(reorder, 1000);
  push(reorder, 1900);
  CHECK(release(reorder, 999'999, false).empty());
  push(reorder, 2100);
  CHECK(release(reorder, 999'999, false) == "1000");
  CHECK(release(reorder, 2100, true) == "1900");
}

TEST_CASE("no more leave than were asked for", "[live]") {
  Reorder reorder;
  for (int i = 0; i < 10; ++i) push(reorder, i);
  CHECK(release(reorder, 1000, true, 3) == "0 1 2");
  CHECK(release(reorder, 1000, true, 3) == "3 4 5");
  std::vector<Event> rest;
  reorder.flush(rest);
  CHECK(rest.size() == 4);
}
