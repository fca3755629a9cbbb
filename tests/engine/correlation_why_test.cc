#include "engine/correlation_why.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bench/random.h"
#include "engine/engine.h"
#include "engine/matcher.h"
#include "tests/support/events.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

std::string rules_with(const std::string& correlation) {
  std::string toml;
  for (const char* name : {"a", "b"}) {
    toml += std::string("[[rule]]\nid = \"00000000-0000-4000-8000-00000000000") + name + "\"\nname = \"" +
            name +
            "\"\ntitle = \"t\"\nlevel = \"low\"\non = \"exec\"\n[rule.detection]\ns.\"process.name\" = \"" +
            name + "\"\ncondition = \"s\"\n";
  }
  return toml +
         "[[correlation]]\nid = \"ffffffff-0000-4000-8000-000000000001\"\nname = \"c\"\ntitle = \"t\"\n"
         "level = \"high\"\nsuppress = false\n" +
         correlation + "\n";
}

Event random_exec(bench::Random& random, int64_t time_ms) {
  constexpr const char* kNames[] = {"a", "b", "x"};
  constexpr const char* kUsers[] = {"eve", "bob"};
  Event event = test::exec(static_cast<int64_t>(7 + random.below(5)), "/bin/x")
                    .at(time_ms)
                    .with("process.name", kNames[random.below(3)])
                    .with("process.args_count", static_cast<int>(random.below(4)));
  if (random.below(8) != 0) event.set_text(test::Make::id("process.user.name"), kUsers[random.below(2)]);
  return event;
}

const char* const kCorrelations[] = {
    R"(type = "event_count"
rules = ["a"]
group-by = ["user.name"]
timespan = "5s"
condition = { gte = 3 })",
    R"(type = "value_count"
rules = ["a", "b"]
timespan = "4s"
condition = { field = "process.args_count", gte = 3 })",
    R"(type = "value_avg"
rules = ["a"]
group-by = ["user.name"]
timespan = "9s"
condition = { field = "process.args_count", gt = 1.5 })",
    R"(type = "temporal"
rules = ["a", "b"]
group-by = ["user.name"]
timespan = "2s")",
    R"(type = "temporal_ordered"
rules = ["a", "b"]
group-by = ["user.name"]
timespan = "3s")",
    R"(type = "new_terms"
rules = ["a"]
group-by = ["process.args_count", "user.name"]
learn = "3s")",
};

}  // namespace

TEST_CASE("why a correlation holds is what the engine says, event by event", "[why]") {
  for (const char* const correlation : kCorrelations) {
    CAPTURE(correlation);
    const auto rules = testing::compile_toml(rules_with(correlation));
    CorrelationInquiry inquiry(rules, 0);
    Engine engine(rules, {});
    Matcher matcher(*rules);
    bench::Random random(5);
    size_t held_at = 0, counted = 0;
    std::vector<Event> ready;
    for (int i = 0; i < 300; ++i) {
      Event event = random_exec(random, 700 * i);
      ready.clear();
      engine.observe(event, ready);
      for (const Event& judged : ready) {
        std::vector<uint32_t> held;
        std::vector<Hit> hits;
        engine.match(judged, matcher, held);
        engine.conclude(judged, held, hits);
        bool holds = false;
        for (const Hit& hit : hits) holds |= hit.rule->name == "c";
        const CorrelationWhy why = inquiry.observe(judged, held);
        CHECK(why.holds == holds);
        // What holds was counted, and what was counted stands in the window.
        CHECK((!why.holds || why.counts));
        CHECK(why.parts.empty() == !why.counts);
        held_at += holds ? 1 : 0;
        counted += why.counts ? 1 : 0;
      }
    }
    CHECK(held_at > 0);
    CHECK(counted > held_at);
  }
}

TEST_CASE("an event without what a correlation is grouped by is told to lack it", "[why]") {
  const auto rules = testing::compile_toml(rules_with(kCorrelations[0]));
  CorrelationInquiry inquiry(rules, 0);
  Matcher matcher(*rules);
  std::vector<uint32_t> held;
  const Event event = test::exec(7, "/bin/a").with("process.name", "a");
  matcher.match(event, held);
  const CorrelationWhy why = inquiry.observe(event, held);
  REQUIRE(why.inputs.size() == 1);
  CHECK(why.inputs[0].held);
  CHECK(why.inputs[0].lacks == std::vector<std::string>{"user.name"});
  CHECK_FALSE(why.counts);
}

}  // namespace detectd
