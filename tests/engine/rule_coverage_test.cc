#include "engine/rule_coverage.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

constexpr std::string_view kRule = R"([[rule]]
id = "1b8c7c0e-54c5-4a7e-9c5b-6f1f2d7a9e01"
title = "t"
level = "low"
status = "stable"
on = "exec"
response = { action = "kill" }

[rule.detection]
a."process.name" = "%a%"
b."process.executable|startswith" = "/opt/"
condition = "a and not b"
)";

// Of a rule with these tests: `a:+- b:- :+`, for each part what was seen of it; the last is the condition.
std::string coverage(const std::string& tests) {
  const auto file = std::make_shared<const SourceFile>(SourceFile{"a.toml", std::string(kRule) + tests});
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  const auto rules = RuleSet::compile(document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) UNSCOPED_INFO(render(diagnostic));
  REQUIRE(diagnostics.errors() == 0);
  std::string text;
  for (const RuleCoverage& covered : cover_rules(document, *rules, run_rule_tests(rules))) {
    CHECK(covered.possible_outcomes() == 6);
    for (const PartCoverage& part : covered.parts) {
      text += (text.empty() ? "" : " ") + part.selection + ":" + (part.seen_true ? "+" : "") +
              (part.seen_false ? "-" : "");
    }
  }
  return text;
}

std::string test_of(const std::string& event) {
  return "[[rule.test]]\nname = \"t\"\nmatch = true\nevent.process = " + event + "\n";
}

}  // namespace

TEST_CASE("a rule without tests is covered nowhere", "[rule_coverage]") { CHECK(coverage("") == "a: b: :"); }

TEST_CASE("coverage says of each selection and of the condition what tests have shown", "[rule_coverage]") {
  const std::string plain = test_of(R"({ name = "%a%" })");
  const std::string excepted = test_of(R"({ name = "%a%", executable = "/opt/a" })");
  CHECK(coverage(plain) == "a:+ b:- :+");
  CHECK(coverage(excepted) == "a:+ b:+ :-");
  CHECK(coverage(plain + excepted) == "a:+ b:+- :+-");
  CHECK(coverage(plain + excepted + test_of(R"({ name = "b" })")) == "a:+- b:+- :+-");
}

TEST_CASE("a test whose event can not be read covers nothing", "[rule_coverage]") {
  CHECK(coverage(test_of(R"({ name = "%a%", pid = -7 })")) == "a: b: :");
}

TEST_CASE("of a correlation coverage says whether tests have shown it to hold, and not to hold",
          "[rule_coverage]") {
  const std::string correlation =
      "[[correlation]]\nid = \"1b8c7c0e-54c5-4a7e-9c5b-6f1f2d7a9e02\"\ntitle = \"t\"\nlevel = \"low\"\n"
      "type = \"event_count\"\nrules = [\"t_rule\"]\ntimespan = \"1m\"\ncondition = { gte = 2 }\n";
  const std::string test =
      "[[correlation.test]]\nname = \"twice\"\nmatch = true\nevents = [{ at = \"0s\", process.name = \"%a%\" "
      "}, "
      "{ at = \"1s\", process.name = \"%a%\" }]\n";
  const auto covered_by = [&](const std::string& tests) {
    std::string text(kRule);
    text.insert(text.find("title"), "name = \"t_rule\"\n");
    const std::shared_ptr<const RuleSet> rules = testing::compile_toml(text + correlation + tests);
    const auto covered =
        cover_rules(testing::read_document(text + correlation + tests), *rules, run_rule_tests(rules));
    REQUIRE(covered.size() == 2);
    CHECK(covered[1].possible_outcomes() == 2);
    return covered[1].outcomes();
  };
  CHECK(covered_by("") == 0);
  CHECK(covered_by(test) == 1);
}

}  // namespace detectd
