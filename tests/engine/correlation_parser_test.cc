#include "engine/correlation_parser.h"

#include <catch2/catch.hpp>
#include <string>

#include "engine/rule_parser.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

const std::string kHead =
    "[[correlation]]\nid = \"00000000-0000-4000-8000-00000000000A\"\nname = \"c\"\ntitle = \"t\"\nlevel = "
    "\"high\"\n";

Rule parse(const std::string& rest) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"c.toml", kHead + rest}), document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) FAIL(render(diagnostic));
  REQUIRE(document.rules.size() == 1);
  return document.rules.front();
}

std::string dump(const Correlation& correlation) {
  std::string text(to_string(correlation.type));
  text += " of";
  for (const RuleReference& rule : correlation.rules) text += " " + rule.text;
  for (const std::string& field : correlation.group_by) text += " by " + field;
  for (const CorrelationAlias& alias : correlation.aliases) {
    for (const CorrelationAlias::Field& field : alias.fields)
      text += " " + alias.name + "=" + field.rule.text + ":" + field.field;
  }
  text += " in " + std::to_string(correlation.timespan_ns / 1'000'000) + "ms";
  for (const std::string& field : correlation.condition.fields) text += " " + field;
  for (const Bound& bound : correlation.condition.bounds) {
    char number[32];
    std::snprintf(number, sizeof number, " %s%g", std::string(to_string(bound.op)).c_str(), bound.number);
    text += number;
  }
  if (correlation.condition.percentile) text += " p" + std::to_string(int(*correlation.condition.percentile));
  if (correlation.generate) text += *correlation.generate ? " generates" : " silences";
  if (correlation.learn_ns) text += " learns " + std::to_string(*correlation.learn_ns / 1'000'000'000) + "s";
  return text;
}

struct Case {
  const char* toml;
  const char* read;
};

}  // namespace

TEST_CASE("a correlation is read as it is written", "[correlation_parser]") {
  const Case& c = GENERATE(values<Case>({
      {"type = \"event_count\"\nrules = \"a\"\ntimespan = \"90s\"\ncondition = { gte = 10, lt = 20 }",
       "event_count of a in 90000ms gte10 lt20"},
      {"type = \"event_count\"\nrules = [\"a\", \"00000000-0000-4000-8000-00000000000B\"]\ntimespan = "
       "\"2d\"\n"
       "condition = { eq = 3 }\ngenerate = true",
       "event_count of a 00000000-0000-4000-8000-00000000000b in 172800000ms eq3 generates"},
      {"type = \"value_count\"\nrules = [\"a\"]\ngroup-by = \"user.name\"\ntimespan = \"1m\"\ngenerate = "
       "false\n"
       "condition = { field = [\"process.pid\", \"host.id\"], gt = 2, neq = 5 }",
       "value_count of a by user.name in 60000ms process.pid host.id gt2 neq5 silences"},
      {"type = \"value_percentile\"\nrules = [\"a\"]\ntimespan = \"1m\"\n"
       "condition = { field = \"process.pid\", percentile = 90, lte = 0.5 }",
       "value_percentile of a in 60000ms process.pid lte0.5 p90"},
      {"type = \"temporal\"\nrules = [\"a\", \"b\"]\ngroup-by = [\"ip\"]\ntimespan = \"250ms\"\n"
       "aliases.ip = { a = \"source.ip\", b = \"destination.ip\" }",
       "temporal of a b by ip ip=a:source.ip ip=b:destination.ip in 250ms"},
      {"type = \"new_terms\"\nrules = [\"a\"]\ngroup-by = [\"process.name\"]\nlearn = \"1h\"",
       "new_terms of a by process.name in 0ms learns 3600s"},
  }));
  CHECK(dump(*parse(c.toml).correlation) == c.read);
}

TEST_CASE("a correlation has a rule's heading, response, suppress and tests", "[correlation_parser]") {
  const Rule rule = parse(
      "type = \"temporal_ordered\"\nrules = [\"a\", \"b\"]\ntimespan = \"1m\"\ntags = [\"attack.t1105\"]\n"
      "response = { action = \"kill\", target = \"a\" }\nsuppress = false\n"
      "[[correlation.test]]\nname = \"n\"\nmatch = true\n"
      "[[correlation.test.events]]\nprocess.name = \"x\"\n"
      "[[correlation.test.events]]\nat = \"5s\"\nprocess.name = \"y\"\n"
      "[[correlation.test.events]]\nprocess.name = \"z\"\n");
  CHECK(rule.id == "00000000-0000-4000-8000-00000000000a");
  CHECK(rule.level == Level::kHigh);
  CHECK(rule.tags.size() == 1);
  CHECK(rule.response->target == "a");
  CHECK(rule.suppress->for_ns == 0);
  REQUIRE(rule.tests.size() == 1);
  REQUIRE(rule.tests[0].events.size() == 3);
  CHECK(rule.tests[0].events[0].json == R"({"process":{"name":"x"}})");
  CHECK(rule.tests[0].events[1].at_ns == 5'000'000'000);
  CHECK(rule.tests[0].events[2].at_ns == 5'000'000'000);
}

TEST_CASE("an event's own at is not taken for its offset where it stands deeper", "[correlation_parser]") {
  const Rule rule = parse(
      "type = \"event_count\"\nrules = [\"a\"]\ntimespan = \"1m\"\ncondition = { gte = 1 }\n"
      "[[correlation.test]]\nname = \"n\"\nmatch = true\nevents = [{ labels.at = \"noon\" }]\n");
  CHECK(rule.tests[0].events[0].json == R"({"labels":{"at":"noon"}})");
}

TEST_CASE("two thousand correlations, each of the one before, is no trouble", "[correlation_parser]") {
  std::string text =
      "[[rule]]\nid = \"00000000-0000-4000-8000-000000000fff\"\nname = \"c1000\"\ntitle = \"t\"\nlevel = "
      "\"low\"\n"
      "on = \"exec\"\n[rule.detection]\ns.\"process.name\" = \"su\"\ncondition = \"s\"\n";
  for (int i = 1001; i <= 3000; ++i) {
    text += "[[correlation]]\nid = \"00000000-0000-4000-8000-00000000" + std::to_string(i) +
            "\"\nname = \"c" + std::to_string(i) +
            "\"\ntitle = \"t\"\nlevel = \"low\"\ntype = \"event_count\"\nrules = [\"c" +
            std::to_string(i - 1) + "\"]\ntimespan = \"1m\"\ncondition = { gte = 1 }\n";
  }
  testing::Stream stream(text);
  CHECK(testing::names_of(stream.exec(0, "\"process\":{\"name\":\"su\"}")) == "c3000");
}

}  // namespace detectd
