#include "engine/event_order.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <tuple>

#include "engine/matcher.h"
#include "tests/support/events.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

using test::exec;
using test::fork;
using test::kMs;
using test::uid_change;

std::string show(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    text += std::string(to_string(event.kind)) + ' ' +
            std::string(event.find_carried(process_field(Leaf::kPid)).text) + ' ' +
            std::to_string(event.time_ns) + (event.joined ? " joined\n" : "\n");
  }
  return text;
}

// Ids of few processes, now and then late.
std::vector<Event> random_events(unsigned seed, size_t count) {
  std::mt19937 random(seed);
  const auto below = [&](int end) { return std::uniform_int_distribution(0, end - 1)(random); };
  const bool flood = seed % 5 == 0;
  std::vector<Event> events;
  int64_t time_ns = 0;
  for (size_t i = 0; i < count; ++i) {
    const int pid = 1 + below(flood ? 3000 : 4);
    time_ns += flood ? 100 : below(5) * kMs;
    const int kind = flood ? below(300) : below(5);
    Event event = kind == 0   ? Event(exec(pid, "/bin/sh"))
                  : kind == 1 ? Event(fork(1 + below(4), pid))
                              : Event(uid_change(pid, 0, below(2)));
    event.time_ns = time_ns - (below(4) == 0 ? below(15) * kMs : 0);
    if (seed % 3 == 0) {
      event.set_integer(field::kBootNs, event.time_ns + 7 * kMs);
      if (below(9) == 0) event.time_ns -= 1000 * kMs;
    }
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<Event> in_order(const std::vector<Event>& events) {
  EventOrder order;
  std::vector<Event> ready;
  for (Event event : events) {
    event.joined = false;
    order.push(event, ready);
  }
  order.flush(ready);
  return ready;
}

}  // namespace

TEST_CASE("what was put in order stays in that order, joined to the same execs", "[event_order]") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    const std::vector<Event> once = in_order(random_events(seed, seed % 5 == 0 ? 8000 : 300));
    CHECK(show(in_order(once)) == show(once));
  }
}

TEST_CASE("an id change is let out when nothing from before its time can come", "[event_order]") {
  EventOrder order;
  std::vector<Event> ready;
  Event change = uid_change(7, 0, 0).at(100);
  order.push(change, ready);
  order.advance({.time_ns = 110 * kMs, .boot_ns = {}, .host = nullptr}, ready);
  CHECK(ready.empty());
  order.advance({.time_ns = 110 * kMs + 1, .boot_ns = {}, .host = nullptr}, ready);
  CHECK(ready.size() == 1);
  CHECK(order.held() == 0);

  // By the clock of the boot, where both tell it.
  Event by_boot = uid_change(7, 0, 0).at(100).with("detectd.boot_ns", 5);
  order.push(by_boot, ready);
  order.advance({.time_ns = 900 * kMs, .boot_ns = 10 * kMs, .host = nullptr}, ready);
  CHECK(order.held() == 1);
  order.advance({.time_ns = 0, .boot_ns = 10 * kMs + 6, .host = nullptr}, ready);
  CHECK(order.held() == 0);
}

TEST_CASE("a stream that pauses gives the same hits, only sooner", "[event_order][engine]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "any"
title = "t"
level = "low"
on = ["exec", "uid_change"]
suppress = { by = ["process.pid"], for = "20ms" }
[rule.detection]
x."process.pid|gte" = 1
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "set-uid"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."detectd.escalated" = true
condition = "x"

[[correlation]]
id = "00000000-0000-4000-8000-000000000003"
name = "often"
title = "t"
generate = true
suppress = false
level = "high"
type = "event_count"
rules = ["any"]
group-by = ["process.pid"]
timespan = "30ms"
condition = { gte = 4 }
)toml");
  // The hits and folds in order, and the digest.
  const auto run = [&](unsigned seed, bool pausing) {
    Engine engine(rules, {.number_events = true});
    Matcher matcher(*rules);
    std::vector<Event> ready;
    std::vector<Hit> hits;
    const auto judge = [&] {
      for (const Event& event : ready) {
        std::vector<uint32_t> held;
        engine.match(event, matcher, held);
        engine.conclude(event, held, hits);
      }
      ready.clear();
    };
    std::mt19937 random(seed);
    std::vector<Event> events = random_events(2 + seed * 15, 300);
    int64_t newest_ns = 0;
    for (Event& event : events) {
      event.time_ns = newest_ns = std::max(newest_ns, event.time_ns);
      event.unset(field::kBootNs);
      engine.observe(event, ready);
      judge();
      if (!pausing || random() % 3 != 0) continue;
      // What comes next may come right then.
      const Moment moment{.time_ns = newest_ns, .boot_ns = {}, .host = nullptr};
      engine.advance(moment, ready);
      judge();
      engine.settle(moment, hits);
    }
    engine.flush(ready);
    judge();
    engine.finish(hits);
    // A fold may come before a hit that it came behind.
    std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
      return std::tie(a.id, a.fold, a.count) < std::tie(b.id, b.fold, b.count);
    });
    return testing::names_of(hits) + ' ' + hex(engine.hits_digest().value());
  };
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    CHECK(run(seed, true) == run(seed, false));
  }
}

TEST_CASE("folds are told once their window has passed, events or not", "[suppressor][engine]") {
  testing::Stream stream(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "any"
title = "t"
level = "low"
on = ["exec"]
suppress = { by = ["process.pid"], for = "2s" }
[rule.detection]
x."process.pid|gte" = 1
condition = "x"
)toml");
  const auto exec_at = [&](int second) { return stream.exec(second, R"("process":{"pid":7})"); };
  const int64_t first_ns = exec_at(1).front().event->time_ns;
  exec_at(2);
  std::vector<Hit> folds;
  stream.engine().settle({.time_ns = first_ns + 2010 * kMs, .boot_ns = {}, .host = nullptr}, folds);
  CHECK(folds.empty());
  stream.engine().settle({.time_ns = first_ns + 2010 * kMs + 1, .boot_ns = {}, .host = nullptr}, folds);
  CHECK(testing::names_of(folds) == "any x2");
}

}  // namespace detectd
