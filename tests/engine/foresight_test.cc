#include "engine/foresight.h"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

#include "engine/rule_parser.h"
#include "tests/support/events.h"
#include "tests/support/shipped_rules.h"

using namespace detectd;

namespace {

std::shared_ptr<const RuleSet> compile(std::string_view on, std::string_view detection) {
  const std::string toml =
      "[[rule]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"r\"\ntitle = \"A\"\n"
      "level = \"low\"\non = " +
      std::string(on) + "\n[rule.detection]\n" + std::string(detection) + "\n";
  Diagnostics diagnostics;
  RuleDocument document;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{.path = "r.toml", .text = toml}), document,
              diagnostics);
  auto rules = RuleSet::compile(document, diagnostics);
  INFO(toml);
  REQUIRE(diagnostics.errors() == 0);
  REQUIRE(rules->rules().size() == 1);
  return rules;
}

// An exec as it is known at once.
Event bash() {
  return test::Make(EventKind::kExec, 7)
      .with("process.executable", "/usr/bin/bash")
      .with("process.args", {"bash", "-i"})
      .with("process.working_directory", "/root");
}

struct Case {
  const char* why;
  const char* detection;
  bool expected;
};

}  // namespace

TEST_CASE("a response is foreseen where its rule may hold, and not where less than the program is known") {
  const auto rules = [](const std::string& response) {
    const std::string toml =
        "[[rule]]\nid = \"11111111-1111-4111-8111-111111111111\"\nname = \"r\"\ntitle = \"A\"\nlevel = "
        "\"low\"\n"
        "on = \"exec\"\n" +
        response +
        "[rule.detection]\ns.\"process.name\" = \"bash\"\ns.\"process.parent.name\" = \"nginx\"\n"
        "condition = \"s\"\n";
    Diagnostics diagnostics;
    RuleDocument document;
    parse_rules(std::make_shared<const SourceFile>(SourceFile{.path = "r.toml", .text = toml}), document,
                diagnostics);
    return RuleSet::compile(document, diagnostics);
  };
  const auto kills = rules("response = { action = \"kill\" }\n");
  Event may_be = bash();
  CHECK(Foresight(kills, Foresight::Of::kResponses).may_hold(may_be));
  Event other =
      test::Make(EventKind::kExec, 7).with("process.executable", "/bin/dash").with("process.args", {"dash"});
  CHECK_FALSE(Foresight(kills, Foresight::Of::kResponses).may_hold(other));
  Event unread = test::Make(EventKind::kExec, 7);
  CHECK_FALSE(Foresight(kills, Foresight::Of::kResponses).may_hold(unread));
  Event alerted = bash();
  CHECK_FALSE(Foresight(rules(""), Foresight::Of::kResponses).may_hold(alerted));
}

TEST_CASE("of execs that have not happened yet other rules are asked") {
  const std::string detection = R"(s."process.name" = "bash"
s."process.Ext.unit" = "a.service"
condition = "s")";
  const auto check = [](const char* program) {
    return Event(
        test::Make(EventKind::kExecCheck, 7).with("process.executable", program).with("process.args", {"x"}));
  };
  Foresight checks(compile(R"("exec_check")", detection), Foresight::Of::kExecChecks);
  Event fits = check("/bin/bash");
  CHECK(checks.may_hold(fits));
  Event other = check("/bin/dash");
  CHECK_FALSE(checks.may_hold(other));
  Event unread = test::Make(EventKind::kExecCheck, 7);
  CHECK(checks.may_hold(unread));
  Foresight execs(compile(R"("exec")", detection), Foresight::Of::kExecChecks);
  Event of_exec_rule = check("/bin/bash");
  CHECK_FALSE(execs.may_hold(of_exec_rule));
}

TEST_CASE("What is known already decides for or against reading more") {
  const Case cases[] = {
      {"the program fits", R"(s."process.name" = "bash"
s."process.Ext.stdin.type" = "socket"
condition = "s")",
       true},
      {"another program", R"(s."process.name" = "dash"
s."process.Ext.stdin.type" = "socket"
condition = "s")",
       false},
      {"the arguments do not fit", R"(s."process.args" = "-c"
s."process.Ext.unit" = "a.service"
condition = "s")",
       false},
      {"what must not be is there", R"(s."process.Ext.unit" = "a.service"
n."process.name" = "bash"
condition = "s and not n")",
       false},
      {"it holds where the unit is not that one", R"(s."process.name" = "bash"
n."process.Ext.unit" = "a.service"
condition = "s and not n")",
       true},
      {"the parent is not known, and may fit", R"(s."process.parent.name" = "sshd"
s."process.Ext.stdin.type" = "socket"
condition = "s")",
       true},
      {"it holds for what is absent", R"(s."process.Ext.cgroup|exists" = false
condition = "s")",
       true},
      {"keywords look everywhere", R"(k = ["system.slice"]
condition = "k")",
       true},
      {"what is compared may be read later", R"(s."process.name|fieldref" = "process.Ext.unit"
condition = "s")",
       true},
      {"the container is read later too", R"(s."container.id" = "*"
condition = "s")",
       true},
      {"the supposed truncation is none", R"(s."detectd.argv_truncated" = true
s."process.Ext.unit" = "*"
condition = "s")",
       false},
      {"it looks at nothing that is read later", R"(s."process.name" = "bash"
condition = "s")",
       false},
  };
  for (const Case& one : cases) {
    INFO(one.why);
    Foresight foresight(compile("\"exec\"", one.detection));
    Event event = bash();
    CHECK(foresight.may_hold(event) == one.expected);
  }
}

TEST_CASE("An exec whose program is not known may be any") {
  Foresight foresight(compile("\"exec\"", R"(s."process.name" = "dash"
s."process.Ext.stdin.type" = "socket"
condition = "s")"));
  Event event = test::Make(EventKind::kExec, 7);
  CHECK(foresight.may_hold(event));
  Event known = bash();
  CHECK_FALSE(foresight.may_hold(known));
}

TEST_CASE("Where other events or processes are asked for what an exec must tell, every exec does") {
  const std::pair<const char*, const char*> cases[] = {
      {"\"uid_change\"", R"(s."process.Ext.unit" = "a.service"
condition = "s")"},
      {"[\"exec\", \"end\"]", R"(s."process.name" = "dash"
s."process.Ext.stdin.type" = "socket"
condition = "s")"},
      {"\"exec\"", R"(s."process.name" = "dash"
s."process.parent.Ext.cgroup" = "/a"
condition = "s")"},
      {"\"ptrace\"", R"(s."Target.process.Ext.user_namespace|gt" = 1
condition = "s")"},
  };
  for (const auto& [on, detection] : cases) {
    INFO(on << ": " << detection);
    Foresight foresight(compile(on, detection));
    Event event = bash();
    CHECK(foresight.may_hold(event));
  }
}

TEST_CASE("With the shipped rules little is read of programs that none is about") {
  Foresight foresight(test::load_shipped_rules().rules);
  Event program = test::Make(EventKind::kExec, 7)
                      .with("process.executable", "/usr/bin/true")
                      .with("process.args", {"/bin/true", "x"});
  CHECK_FALSE(foresight.may_hold(program));
  Event shell = bash();
  CHECK(foresight.may_hold(shell));
}
