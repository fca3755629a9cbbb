#include "src/respond/budget.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
using Answer = Budget::Answer;

TEST_CASE("TRUST 8: a rule responds five times a minute, all rules twenty times", "[respond]") {
  Budget budget({});
  int64_t now_ns = kSecondNs;
  for (int i = 0; i < 5; ++i) CHECK(budget.take("a", now_ns += kSecondNs) == Answer::kGranted);
  CHECK(budget.take("a", now_ns) == Answer::kRuleSpent);
  for (const char* const rule : {"b", "c", "d"}) {
    for (int i = 0; i < 5; ++i) CHECK(budget.take(rule, now_ns) == Answer::kGranted);
  }
  CHECK(budget.take("e", now_ns) == Answer::kAllSpent);
}

TEST_CASE("a budget is spent for the length of its rate, not until the minute is full", "[respond]") {
  Budget budget({.per_rule = {.count = 2, .period_ns = 60 * kSecondNs}, .total = {}});
  CHECK(budget.take("a", 0) == Answer::kGranted);
  CHECK(budget.take("a", 59 * kSecondNs) == Answer::kGranted);
  CHECK(budget.take("a", 60 * kSecondNs - 1) == Answer::kRuleSpent);
  CHECK(budget.take("a", 60 * kSecondNs) == Answer::kGranted);
  CHECK(budget.take("a", 61 * kSecondNs) == Answer::kRuleSpent);
}

TEST_CASE("what a rule was refused is not taken from the others", "[respond]") {
  Budget budget(
      {.per_rule = {.count = 1, .period_ns = kSecondNs}, .total = {.count = 2, .period_ns = kSecondNs}});
  CHECK(budget.take("a", 0) == Answer::kGranted);
  for (int i = 0; i < 100; ++i) CHECK(budget.take("a", 0) == Answer::kRuleSpent);
  CHECK(budget.take("b", 0) == Answer::kGranted);
}

}  // namespace
}  // namespace detectd
