#include "src/detectctl/rule_bench.h"

#include <catch2/catch.hpp>

#include "engine/escape.h"
#include "src/detectctl/bench_report.h"
#include "src/detectctl/hostile_events.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

constexpr const char* kRules = R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "keyed"
title = "t"
level = "low"
on = "exec"
[rule.detection]
s."process.command_line|contains" = ["/etc/shadow", "/etc/gshadow"]
condition = "s"

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "always"
title = "t"
level = "low"
on = ["exec", "end"]
[rule.detection]
s."process.name" = "sshd"
condition = "not s"

[[rule]]
id = "00000000-0000-4000-8000-000000000003"
name = "beyond_ascii"
title = "t"
level = "low"
on = "exec"
[rule.detection]
s."process.args|contains" = "größe"
condition = "s"
)toml";

Event event_of(const RuleSet& rules, EventKind kind, const std::string& command_line) {
  Event event;
  event.clear(rules.schema().size());
  event.kind = kind;
  event.set_text(process_field(Leaf::kCommandLine), command_line);
  return event;
}

}  // namespace

TEST_CASE("what rules were asked, and held, is counted by the kinds that they look at", "[rule_bench]") {
  const auto rules = testing::compile_toml(kRules);
  RuleBench bench(*rules, 1);
  bench.observe(event_of(*rules, EventKind::kExec, "cat /etc/shadow"));
  bench.observe(event_of(*rules, EventKind::kExec, "ls"));
  bench.observe(event_of(*rules, EventKind::kEnd, "ls"));
  bench.observe(event_of(*rules, EventKind::kFork, "ls"));
  const auto costs = bench.rule_costs();
  REQUIRE(costs.size() == 3);
  const auto counts = [&](size_t rule) {
    const RuleCost& cost = costs[rule];
    return std::to_string(cost.events) + " " + std::to_string(cost.asked) + " " + std::to_string(cost.held) +
           (cost.always_asked ? " always" : "");
  };
  CHECK(counts(0) == "2 1 1");
  CHECK(counts(1) == "3 3 3 always");
  CHECK(counts(2) == "2 0 0");
  for (const RuleCost& cost : costs) CHECK(cost.ns > 0);
  const MatchCost match = bench.match_cost();
  CHECK(match.events == 3);
  CHECK(match.p50_ns <= match.p99_ns);
  CHECK(match.p99_ns <= match.p999_ns);
  CHECK(match.p999_ns <= match.max_ns);

  const auto keys = key_texts(*rules);
  CHECK(keys[0] == "process.command_line has \"/etc/shadow\" or 1 other");
  CHECK(keys[1].empty());
  CHECK(keys[2].starts_with("process.args has "));
}

TEST_CASE("a rule that costs more than it should is named, others are not", "[rule_bench]") {
  BenchView view;
  view.rules = {{"quick", "k", {.rule = 0, .events = 10, .asked = 1, .ns = 4999}},
                {"slow", "k", {.rule = 1, .events = 10, .asked = 1, .ns = 7000}}};
  CHECK(bench_table(view, 1) ==
        "rule   ns/event    asked      held  key\n"
        "slow       7000   10.0 %         0  k\n"
        "and 1 more that take less\n"
        "2 rules, 0 always asked\n"
        "0 events\n"
        "dear: slow takes 7.0 us an event, more than 5.0 us\n");
}

TEST_CASE("hostile events are the same in every run, valid text, and find the rules they are made for",
          "[rule_bench]") {
  const auto rules = testing::compile_toml(kRules);
  Matcher matcher(*rules);
  const auto visit_all = [&] {
    std::vector<std::string> texts;
    visit_hostile_events(*rules, {.events = 64, .text_bytes = 1000}, [&](const Event& event) {
      texts.emplace_back(event.find(process_field(Leaf::kCommandLine)).text);
    });
    return texts;
  };
  const auto texts = visit_all();
  REQUIRE(texts.size() == 64);
  CHECK(visit_all() == texts);
  std::string valid;
  for (const std::string& text : texts) CHECK(replace_invalid_utf8(text, valid) == 0);
  size_t found = 0;
  visit_hostile_events(*rules, {.events = 64, .text_bytes = 1000}, [&](const Event& event) {
    std::vector<uint32_t> held;
    matcher.match(event, held);
    found += matcher.found().size();
  });
  CHECK(found > 20);
}

}  // namespace detectd
