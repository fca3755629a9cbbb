#include "src/live/pending_execs.h"

#include <catch2/catch.hpp>

#include <map>
#include <random>

namespace detectd {
namespace {

constexpr int64_t kDeadlineNs = 1000;

TEST_CASE("an exec that nobody answers is allowed when its time is up, not before", "[live]") {
  PendingExecs pending(kDeadlineNs);
  REQUIRE(pending.add(7, 0));
  CHECK(pending.wait_ns(0) == kDeadlineNs);
  CHECK_FALSE(pending.take_expired(kDeadlineNs - 1));
  CHECK(pending.wait_ns(kDeadlineNs - 1) == 1);
  CHECK(pending.take_expired(kDeadlineNs) == 7);
  CHECK_FALSE(pending.take_expired(kDeadlineNs));
  CHECK_FALSE(pending.wait_ns(kDeadlineNs));
}

TEST_CASE("an exec is answered once: by a verdict, or because its time was up", "[live]") {
  PendingExecs pending(kDeadlineNs);
  const auto first = pending.add(7, 0);
  const auto second = pending.add(8, 10);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(pending.take(*first) == 7);
  CHECK_FALSE(pending.take(*first));
  CHECK(pending.take_expired(10 + kDeadlineNs) == 8);
  CHECK_FALSE(pending.take(*second));
  CHECK_FALSE(pending.take(*second + 1));
  CHECK_FALSE(pending.take(0));
}

TEST_CASE("those that wait longest go first, whoever was answered between", "[live]") {
  PendingExecs pending(kDeadlineNs);
  for (int i = 0; i < 5; ++i) REQUIRE(pending.add(10 + i, i));
  pending.take(2);
  CHECK(pending.take_expired(kDeadlineNs + 4) == 10);
  CHECK(pending.take_expired(kDeadlineNs + 4) == 12);
  CHECK(pending.size() == 2);
}

TEST_CASE("when too many wait the next is not kept waiting", "[live]") {
  PendingExecs pending(kDeadlineNs);
  for (size_t i = 0; i < PendingExecs::kMax; ++i) REQUIRE(pending.add(static_cast<int>(i), 0));
  CHECK_FALSE(pending.add(1, 0));
  CHECK(pending.take(1));
  CHECK(pending.add(1, 0));
}

TEST_CASE("whatever is asked, each exec is answered once and in time, as a plain map says", "[live]") {
  std::mt19937 random(7);
  PendingExecs pending(kDeadlineNs);
  std::map<uint64_t, std::pair<int, int64_t>> plain;
  int64_t now_ns = 0;
  for (int step = 0; step < 100'000; ++step) {
    now_ns += random() % 20;
    switch (random() % 4) {
      case 0:
      case 1:
        if (const auto number = pending.add(step, now_ns)) plain[*number] = {step, now_ns + kDeadlineNs};
        break;
      case 2: {
        const uint64_t number = static_cast<uint64_t>(step) / 2 - random() % 100;
        const auto found = plain.find(number);
        const auto taken = pending.take(number);
        REQUIRE(taken.has_value() == (found != plain.end()));
        if (found == plain.end()) break;
        REQUIRE(*taken == found->second.first);
        plain.erase(found);
        break;
      }
      default:
        while (const auto file = pending.take_expired(now_ns)) {
          REQUIRE_FALSE(plain.empty());
          REQUIRE(*file == plain.begin()->second.first);
          REQUIRE(plain.begin()->second.second <= now_ns);
          plain.erase(plain.begin());
        }
        if (!plain.empty()) REQUIRE(plain.begin()->second.second > now_ns);
    }
    REQUIRE(pending.size() == plain.size());
  }
}

}  // namespace
}  // namespace detectd
