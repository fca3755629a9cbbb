#include "engine/matcher.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "bench/random.h"
#include "engine/rule_parser.h"
#include "tests/support/random_match.h"

namespace detectd {

TEST_CASE("the rules found by their keys are those that hold when each is asked by itself", "[matcher]") {
  bench::Random random(7);
  size_t held_in_all = 0;
  size_t keyed = 0;
  for (int round = 0; round < 60; ++round) {
    RuleDocument document;
    Diagnostics diagnostics;
    auto file = std::make_shared<SourceFile>();
    file->path = "r.toml";
    for (int i = 0; i < 25; ++i) file->text += test::random_rule_text(random, i);
    parse_rules(file, document, diagnostics);
    CAPTURE(file->text);
    const auto rules = RuleSet::compile(document, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics.all()) {
      CAPTURE(diagnostic.code, diagnostic.message);
      REQUIRE(diagnostic.severity == Severity::kWarning);
    }
    keyed += rules->rules().size() - rules->for_kind(EventKind::kExec).unkeyed.size();
    Matcher matcher(*rules);
    Matcher alone(*rules);
    for (int i = 0; i < 100; ++i) {
      const Event event = test::random_event(random, rules->schema());
      std::vector<uint32_t> held;
      matcher.match(event, held);
      std::vector<uint32_t> wanted;
      for (const uint32_t rule : rules->for_kind(event.kind).rules) {
        if (alone.match_alone(rule, event)) wanted.push_back(rule);
      }
      CHECK(held == wanted);
      held_in_all += held.size();
    }
  }
  // It was about something.
  CHECK(held_in_all > 5000);
  CHECK(keyed > 500);
}

}  // namespace detectd
