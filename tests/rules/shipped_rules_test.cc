#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <string>

#include "engine/evasion.h"
#include "engine/rule_test.h"
#include "src/detectctl/mutate_report.h"
#include "tests/support/shipped_rules.h"

using namespace detectd;
using namespace detectd::test;

TEST_CASE("every shipped rule is without mistakes, warnings included, and active", "[shipped_rules]") {
  const ShippedRules shipped = load_shipped_rules();
  std::string complaints;
  for (const Diagnostic& diagnostic : shipped.diagnostics.all()) complaints += render(diagnostic);
  CHECK(complaints == "");
  CHECK(shipped.rules->inactive().empty());
  CHECK(shipped.all().size() >= 100);
}

TEST_CASE("every shipped rule that reports is named as its file, and every rule says where to read on",
          "[shipped_rules]") {
  const ShippedRules shipped = load_shipped_rules();
  std::set<std::string> parts;
  for (const CompiledRule& compiled : shipped.rules->rules()) {
    if (compiled.silent) parts.insert(compiled.rule->name);
  }
  for (const Rule* pointer : shipped.all()) {
    const Rule& rule = *pointer;
    CAPTURE(rule.file->path, rule.name);
    CHECK(rule.file->path.ends_with("/" + rule.name + ".toml") != parts.contains(rule.name));
    CHECK(rule.description.size() > 40);
    CHECK(rule.keys.contains("references"));
    CHECK(rule.keys.contains("falsepositives"));
    CHECK(rule.status == RuleStatus::kStable);
    const bool technique = std::any_of(rule.tags.begin(), rule.tags.end(),
                                       [](const std::string& tag) { return tag.starts_with("attack.t1"); });
    CHECK(technique);
  }
}

TEST_CASE("every shipped rule has tests of both outcomes, and all of them pass", "[shipped_rules]") {
  const ShippedRules shipped = load_shipped_rules();
  for (const Rule* pointer : shipped.all()) {
    const Rule& rule = *pointer;
    CAPTURE(rule.name);
    const auto matching =
        std::count_if(rule.tests.begin(), rule.tests.end(), [](const RuleTest& test) { return test.match; });
    CHECK(matching >= 2);
    CHECK(static_cast<std::ptrdiff_t>(rule.tests.size()) - matching >= 2);
  }
  for (const RuleTestResult& result : run_rule_tests(shipped.rules)) {
    CAPTURE(result.rule->name, result.test->name, result.problem);
    CHECK(result.passed());
  }
}

TEST_CASE("shipped rules withstand most evasions, and say so where they do not", "[shipped_rules]") {
  const ShippedRules shipped = load_shipped_rules();
  Evader evader(shipped.rules, {});
  double percents = 0;
  size_t rules = 0;
  const auto take = [&](const Rule& rule, const std::vector<TestEvasions>& tests) {
    const EvasionScore score = score_of(tests);
    if (score.applied == 0) return;
    CAPTURE(rule.name, score.percent());
    for (const TestEvasions& test : tests) CHECK(test.problem == "");
    const bool told = rule.description.find("It does not see: ") != std::string::npos;
    CHECK((told || score.percent() >= 85));
    percents += score.percent();
    ++rules;
  };
  for (uint32_t i = 0; i < shipped.rules->rules().size(); ++i)
    take(*shipped.rules->rules()[i].rule, evader.evade_rule(i));
  for (uint32_t i = 0; i < shipped.rules->correlations().size(); ++i)
    take(*shipped.rules->correlations()[i].rule, evader.evade_correlation(i));
  CHECK(rules >= 100);
  CHECK(percents / static_cast<double>(rules) >= 85);
}
