#include "engine/engine.h"

#include <catch2/catch.hpp>

#include "engine/event_order.h"
#include "engine/matcher.h"
#include "engine/rule_parser.h"
#include "tests/support/events.h"

using namespace detectd;
using namespace detectd::test;

namespace {

std::shared_ptr<const RuleSet> rules() {
  const auto file = std::make_shared<SourceFile>(SourceFile{"rules.toml", R"(
[[rule]]
id = "11111111-1111-4111-8111-111111111111"
title = "any exec"
level = "low"
on = "exec"
[rule.detection]
x."process.pid|gte" = 0
condition = "x"

[[rule]]
id = "22222222-2222-4222-8222-222222222222"
title = "a shell"
level = "high"
on = "exec"
[rule.detection]
x."process.executable" = "sh"
condition = "x"
)"});
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  auto set = RuleSet::compile(document, diagnostics);
  REQUIRE(diagnostics.errors() == 0);
  return set;
}

struct Judged {
  std::vector<Hit> hits;
  uint64_t left_out = 0;
  Sha256 digest{};
};

// Three execs, a second apart; the last one is of a shell.
Judged judge(const HitSelection& selection) {
  Engine engine(rules(), {.selection = selection});
  Matcher matcher(engine.rules());
  std::vector<Event> ready;
  for (const char* name : {"cat", "ls", "sh"}) {
    Event event = exec(7, name).at(1000 * static_cast<int64_t>(ready.size()));
    engine.observe(event, ready);
  }
  engine.flush(ready);
  Judged judged;
  for (const Event& event : ready) {
    std::vector<uint32_t> held;
    engine.match(event, matcher, held);
    engine.conclude(event, held, judged.hits);
  }
  CHECK(engine.counters().hits == 4);
  judged.left_out = engine.counters().hits_left_out;
  judged.digest = *engine.hits_digest();
  return judged;
}

}  // namespace

TEST_CASE("hits that nobody selects are not handed out, but counted and in the digest", "[engine]") {
  const Judged all = judge({});
  REQUIRE(all.hits.size() == 4);
  CHECK(all.left_out == 0);
  CHECK(all.hits[2].event == all.hits[3].event);
  struct Case {
    HitSelection selection;
    size_t hits;
  };
  const int64_t second = 1000 * kMs;
  const Case cases[] = {{{.min_level = Level::kMedium}, 1},
                        {{.min_level = Level::kCritical}, 0},
                        {{.from_ns = second}, 3},
                        {{.to_ns = second}, 1},
                        {{.min_level = Level::kHigh, .from_ns = second, .to_ns = 2 * second}, 0}};
  for (const Case& test : cases) {
    const Judged judged = judge(test.selection);
    CHECK(judged.hits.size() == test.hits);
    CHECK(judged.left_out == 4 - test.hits);
    CHECK(judged.digest == all.digest);
  }
}

TEST_CASE("id changes that can not wait for their exec are counted", "[engine]") {
  Engine engine(rules(), {});
  std::vector<Event> ready;
  const int more = 5;
  for (int pid = 1; pid <= static_cast<int>(EventOrder::kMaxHeld) + more; ++pid) {
    Event event = Make(EventKind::kUidChange, pid);
    engine.observe(event, ready);
  }
  CHECK(ready.size() == EventOrder::kMaxHeld + 1);
  CHECK(engine.counters().id_changes_hurried == EventOrder::kMaxHeld + 1);
}
