#include "engine/evasion.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

constexpr const char* kHead =
    "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"r\"\ntitle = \"t\"\nlevel = "
    "\"low\"\non = \"exec\"\n";

struct Rules {
  explicit Rules(const std::string& toml)
      : document(testing::read_document(toml)), set(RuleSet::compile(document, diagnostics)) {}
  RuleDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> set;
};

// `env+ argv0-`: hit or missed; mutators that do not apply are left out.
std::string dump(const std::vector<TestEvasions>& tests) {
  std::string text;
  for (const TestEvasions& test : tests) {
    if (!test.problem.empty()) text += "(" + test.problem + ") ";
    for (const Evasion& evasion : test.evasions) {
      if (evasion.applies()) text += std::string(evasion.mutator->name) + (evasion.hit ? "+ " : "- ");
    }
  }
  return text;
}

Evader::Options only(std::initializer_list<const char*> names) {
  Evader::Options options;
  for (const char* name : names) options.mutators.push_back(find_mutator(name));
  return options;
}

TEST_CASE("an evasion that a rule misses is told, and who sees it", "[evasion]") {
  const Rules rules(std::string(kHead) + R"([rule.detection]
cat."process.command_line|startswith" = "cat "
condition = "cat"
[[rule.test]]
name = "cat"
match = true
event.process = { name = "cat", args = ["cat", "x"] }
[[rule.test]]
name = "not cat"
match = false
event.process = { name = "dog", args = ["dog"] }

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "copies"
title = "t"
level = "low"
on = "exec"
[rule.detection]
home."process.executable|startswith" = "/home/"
condition = "home"
)");
  Evader evader(rules.set, only({"renamed-copy", "argv0", "env", "options-long"}));
  const auto tests = evader.evade_rule(0);
  CHECK(dump(tests) == "renamed-copy- argv0- env+ ");
  REQUIRE(tests.size() == 1);
  REQUIRE(tests[0].evasions[0].others.size() == 1);
  CHECK(tests[0].evasions[0].others[0]->name == "copies");
  CHECK(tests[0].evasions[1].others.empty());
  CHECK(tests[0].evasions[3].reason == "the options stand so already");
}

TEST_CASE("a test that fails as it stands has no evasions", "[evasion]") {
  const Rules rules(std::string(kHead) + R"([rule.detection]
cat."process.name" = "cat"
condition = "cat"
[[rule.test]]
name = "dog"
match = true
event.process.name = "dog"
[[rule.test]]
name = "broken"
match = true
event.process.pid = "x"
)");
  Evader evader(rules.set, {});
  CHECK(dump(evader.evade_rule(0)).starts_with("(the test fails as it stands) ("));
}

TEST_CASE("what a rule asks of a parent is evaded by one in between, not by one that becomes the program",
          "[evasion]") {
  const std::string test = R"(condition = "shell and server"
[[rule.test]]
name = "sh"
match = true
event.process = { name = "dash", args = ["sh", "-c", "id"], parent = { name = "nginx" } }
)";
  const Rules parent(
      std::string(kHead) +
      "[rule.detection]\nshell.\"process.name\" = \"dash\"\nserver.\"process.parent.name\" = \"nginx\"\n" +
      test);
  const Rules ancestor(
      std::string(kHead) +
      "[rule.detection]\nshell.\"process.name\" = \"dash\"\nserver.\"process.ancestors.name\" = \"nginx\"\n" +
      std::string(test).replace(test.find("parent = {"), std::string("parent = { name = \"nginx\" }").size(),
                                "ancestors = { name = [\"nginx\"] }"));
  Evader first(parent.set, only({"env", "timeout"}));
  CHECK(dump(first.evade_rule(0)) == "env+ timeout- ");
  Evader second(ancestor.set, only({"env", "timeout", "systemd-run"}));
  CHECK(dump(second.evade_rule(0)) == "env+ timeout+ systemd-run- ");
}

TEST_CASE("all events of a correlation's test are changed", "[evasion]") {
  const Rules rules(std::string(kHead) + R"([rule.detection]
id."process.name" = ["id", "who"]
condition = "id"

[[correlation]]
id = "00000000-0000-4000-8000-000000000002"
name = "both"
title = "t"
level = "low"
type = "event_count"
rules = ["r"]
timespan = "1m"
condition = { gte = 2 }
[[correlation.test]]
name = "two"
match = true
events = [{ process = { name = "id" } }, { at = "5s", process = { name = "who" } }]
)");
  Evader evader(rules.set, only({"renamed-copy", "nice"}));
  CHECK(dump(evader.evade_correlation(0)) == "renamed-copy- nice+ ");
}

TEST_CASE("two runs give the same", "[evasion]") {
  const Rules rules(std::string(kHead) + R"([rule.detection]
cat."process.command_line|re|s" = '\bcat\s+/etc/shadow'
condition = "cat"
[[rule.test]]
name = "sh"
match = true
event.process = { name = "bash", args = ["bash", "-c", "id; cat /etc/shadow | base64"] }
)");
  Evader::Options options;
  options.keep_events = true;
  Evader first(rules.set, options), second(rules.set, options);
  const auto a = first.evade_rule(0), b = second.evade_rule(0);
  CHECK(dump(a) == dump(b));
  REQUIRE(a.size() == 1);
  for (size_t i = 0; i < a[0].evasions.size(); ++i) CHECK(a[0].evasions[i].events == b[0].evasions[i].events);
}

}  // namespace
}  // namespace detectd
