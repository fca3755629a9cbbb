#include "engine/rule_writer.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "tests/support/random_rule.h"
#include "tests/support/rule_dump.h"
#include "tests/support/shipped_rules.h"

using namespace detectd;
using namespace detectd::test;

namespace {

struct Parsed {
  RuleDocument document;
  std::string complaints;
};

Parsed parse(std::string text) {
  Parsed parsed;
  Diagnostics diagnostics;
  const auto file = std::make_shared<const SourceFile>(SourceFile{"x.toml", std::move(text)});
  parse_rules(file, parsed.document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    if (diagnostic.severity == Severity::kError) parsed.complaints += render(diagnostic);
  }
  return parsed;
}

Rule parse_one(const std::string& text) {
  Parsed parsed = parse(text);
  REQUIRE(parsed.complaints == "");
  REQUIRE(parsed.document.rules.size() == 1);
  return parsed.document.rules.front();
}

// What is written is read as the same rule, and written the same way again.
void check_round_trip(const Rule& rule) {
  const std::string text = write_rule(rule);
  INFO(text);
  const Rule again = parse_one(text);
  CHECK(dump_rule(again) == dump_rule(rule));
  CHECK(write_rule(again) == text);
}

}  // namespace

TEST_CASE("a rule is written with its keys in the manual's order", "[rule_writer]") {
  const std::string text = R"toml([[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
name = "web_server_spawns_shell"
title = "Web server starts a shell"
level = "high"
status = "test"
description = '''
Two lines,
the second with a \.'''
author = "A"
date = "2026-11-20"
modified = "2026-11-21"
references = ["https://example.net/1"]
falsepositives = ["none"]
license = "MIT"
related = [{ id = "4f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11", type = "derived" }]
tags = ["attack.persistence", "attack.t1505.003"]
on = ["exec", "exec_check"]
response = { action = "deny", target = "parent", fallback = "alert" }
suppress = { by = ["process.parent.entity_id"], for = "10m" }

[rule.detection]
other = ["a keyword", "another"]
server = [
  { "process.name" = 'C:\nginx', "process.args|contains|all" = ["a", "b"] },
  { "process.parent.name" = ["nginx", 5] },
]
shell."process.name" = "sh"
shell."process.pid|gte" = 2.5
condition = ["shell and server", "other"]

[rule.custom]
ticket = "X-1"
nested = { a = [1, true] }

[[rule.test]]
name = "nginx runs sh"
match = true
event = { process = { name = "sh", parent = { name = "nginx" } } }
)toml";
  CHECK(write_rule(parse_one(text)) == text);
}

TEST_CASE("an imported rule keeps its logsource and taxonomy", "[rule_writer]") {
  const std::string text = R"toml([[rule]]
id = "3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11"
title = "t"
level = "low"
status = "stable"
logsource = { category = "process_creation", product = "windows", service = "s", definition = "needs 4688" }
taxonomy = "sigma"

[rule.detection]
selection."Image|endswith" = '\cmd.exe'
condition = "selection"
)toml";
  CHECK(write_rule(parse_one(text)) == text);
}

TEST_CASE("what is too long for a line stands on several", "[rule_writer]") {
  Rule rule = parse_one(
      "[[rule]]\nid = \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\"\ntitle = \"t\"\nlevel = \"low\"\non = "
      "\"exec\"\n"
      "[rule.detection]\nx = [{ a = 'b' }, { a = 'c', d = ['e'] }]\ny.z = [1, 2]\ncondition = 'x and y'\n");
  const std::string longer(80, 'l');
  rule.detection.selections[0].alternatives[1][1].values = {{longer, {}}, {longer, {}}};
  rule.detection.selections[1].alternatives[0][0].values.assign(3, {longer, {}});
  CHECK(write_detection(rule.detection, "rule.detection") ==
        "[rule.detection]\n"
        "y.\"z\" = [\n"
        "  \"" +
            longer +
            "\",\n"
            "  \"" +
            longer +
            "\",\n"
            "  \"" +
            longer +
            "\",\n"
            "]\n"
            "condition = \"x and y\"\n"
            "\n[[rule.detection.x]]\n"
            "\"a\" = \"b\"\n"
            "\n[[rule.detection.x]]\n"
            "\"a\" = \"c\"\n"
            "\"d\" = [\n"
            "  \"" +
            longer +
            "\",\n"
            "  \"" +
            longer +
            "\",\n"
            "]\n");
  check_round_trip(rule);
}

TEST_CASE("every shipped rule and correlation is read back as it was written",
          "[rule_writer][shipped_rules]") {
  const ShippedRules shipped = load_shipped_rules();
  REQUIRE_FALSE(shipped.rules->rules().empty());
  REQUIRE_FALSE(shipped.rules->correlations().empty());
  for (const Rule* const rule : shipped.all()) check_round_trip(*rule);
}

TEST_CASE("any rule is read back as it was written", "[rule_writer]") {
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    CAPTURE(seed);
    check_round_trip(random_rule(seed));
  }
}

TEST_CASE("lists and declared fields are read back as they were written", "[rule_writer]") {
  const std::string text = R"toml([lists]
"a b" = [1, true, 'C:\x']
shells = ["sh", "bash"]

[fields]
"vendor.names" = "list of string"
"vendor.score" = "number"
)toml";
  const Parsed parsed = parse(text);
  CHECK(parsed.complaints == "");
  CHECK(write_lists(parsed.document.lists) + "\n" + write_fields(parsed.document.fields) == text);
  CHECK(write_lists({}) == "");
  CHECK(write_fields({}) == "");
}

TEST_CASE("a duration is written in its largest unit", "[rule_writer]") {
  struct Case {
    const char* in;
    const char* want;
  };
  for (const auto& [in, want] : std::initializer_list<Case>{{"250ms", "250ms"},
                                                            {"1000ms", "1s"},
                                                            {"90s", "90s"},
                                                            {"60m", "1h"},
                                                            {"36h", "36h"},
                                                            {"48h", "2d"}})
    CHECK(write_duration(*parse_duration(in)) == want);
}
