// Windows against the plain definition: all events are kept, and at each of them everything is counted anew.
#include "engine/correlation_window.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <set>
#include <vector>

namespace detectd {
namespace {

using enum CorrelationType;

class Reference {
 public:
  explicit Reference(const Correlation& correlation) : correlation_(correlation) {}

  bool holds_with(const WindowEvent& event) {
    events_.push_back(event);
    const long double measured = measure();
    const auto& bounds = correlation_.condition.bounds;
    if (bounds.empty()) return measured == static_cast<long double>(correlation_.rules.size());
    return std::all_of(bounds.begin(), bounds.end(), [&](const Bound& bound) {
      return bound.op == BoundOp::kGte ? measured >= bound.number : measured < bound.number;
    });
  }

 private:
  std::vector<WindowEvent> window() const {
    std::vector<WindowEvent> window;
    for (const WindowEvent& event : events_) {
      if (event.part.order_ns >= events_.back().part.order_ns - correlation_.timespan_ns)
        window.push_back(event);
    }
    return window;
  }

  // The longest order that the last event ends.
  static size_t longest(const std::vector<WindowEvent>& window) {
    std::vector<size_t> lengths;
    for (size_t i = 0; i < window.size(); ++i) {
      size_t best = 0;
      for (size_t j = 0; j < i; ++j) {
        if (window[j].input < window[i].input) best = std::max(best, lengths[j]);
      }
      lengths.push_back(best + 1);
    }
    return lengths.back();
  }

  long double measure() const {
    const std::vector<WindowEvent> window = this->window();
    std::set<std::string> values;
    std::set<uint32_t> rules;
    std::vector<long double> numbers;
    long double sum = 0;
    for (const WindowEvent& event : window) {
      values.insert(event.value);
      rules.insert(event.input);
      numbers.push_back(event.number);
      sum += event.number;
    }
    std::sort(numbers.begin(), numbers.end());
    const auto count = static_cast<long double>(window.size());
    switch (correlation_.type) {
      case kValueCount: return static_cast<long double>(values.size());
      case kTemporal: return static_cast<long double>(rules.size());
      case kTemporalOrdered: return static_cast<long double>(longest(window));
      case kValueSum: return sum;
      case kValueAvg: return sum / count;
      case kValuePercentile: {
        const long double rank = (count - 1) / 4;
        const auto below = static_cast<size_t>(rank);
        const size_t above = std::min(below + 1, window.size() - 1);
        return numbers[below] + (numbers[above] - numbers[below]) * (rank - static_cast<long double>(below));
      }
      default: return count;
    }
  }

  const Correlation& correlation_;
  std::vector<WindowEvent> events_;
};

}  // namespace

TEST_CASE("windows hold exactly where the plain definition does", "[correlation_window]") {
  std::mt19937 random(11);
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  for (const CorrelationType type :
       {kEventCount, kValueCount, kTemporal, kTemporalOrdered, kValueSum, kValueAvg, kValuePercentile}) {
    size_t held = 0;
    size_t shown = 0;
    for (int round = 0; round < 60; ++round) {
      Correlation correlation;
      correlation.type = type;
      correlation.timespan_ns = 5 + below(20);
      correlation.rules.resize(2 + below(3));
      correlation.condition.percentile = 25;
      const bool ordered = type == kTemporal || type == kTemporalOrdered;
      const bool whole = ordered && below(2) == 0;
      if (!whole) {
        correlation.condition.bounds.push_back(
            {.op = BoundOp::kGte, .number = static_cast<double>(2 + below(ordered ? 2 : 4)), .span = {}});
        if (below(3) == 0)
          correlation.condition.bounds.push_back({.op = BoundOp::kLt, .number = 6, .span = {}});
      }
      const auto window = make_window(correlation);
      Reference reference(correlation);
      int64_t time_ns = 0;
      for (int i = 0; i < 120; ++i) {
        time_ns += below(6);
        WindowEvent event;
        event.part.order_ns = time_ns;
        // Each is an event of its own.
        event.part.event = std::make_shared<const Event>();
        event.input = below(static_cast<uint32_t>(correlation.rules.size()));
        event.value = std::to_string(below(5));
        event.number = below(7);
        const bool expected = reference.holds_with(event);
        REQUIRE(window->add(event));
        INFO(to_string(type) << " round " << round << " event " << i);
        REQUIRE(window->holds() == expected);
        held += expected ? 1 : 0;
        ++shown;
      }
    }
    // The comparison says something only where both answers occur.
    CHECK(held > shown / 20);
    CHECK(held < shown * 19 / 20);
  }
}

TEST_CASE("what a window takes in memory comes back when its events have left", "[correlation_window]") {
  for (const CorrelationType type : {kEventCount, kValueCount, kValuePercentile, kTemporal}) {
    Correlation correlation;
    correlation.type = type;
    correlation.timespan_ns = 10;
    correlation.rules.resize(1);
    correlation.condition.bounds.push_back({.op = BoundOp::kGte, .number = 1, .span = {}});
    const auto window = make_window(correlation);
    const auto add = [&](int64_t time_ns) {
      WindowEvent event;
      event.part.order_ns = time_ns;
      event.part.event = std::make_shared<const Event>();
      event.value = "some value";
      return window->add(event);
    };
    REQUIRE(add(0));
    const size_t one = window->bytes();
    for (int i = 0; i < 100; ++i) REQUIRE(add(1));
    CHECK(window->bytes() >= one);
    REQUIRE(add(100));
    CHECK(window->bytes() == one);
  }
}

}  // namespace detectd
