#include "src/live/exec_judge.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "tests/support/events.h"

namespace detectd {
namespace {

using test::Make;

constexpr int64_t kSecondNs = 1'000'000'000;

std::string rule(char number, std::string_view detection, std::string_view action = "deny") {
  return "[[rule]]\nid = \"00000000-0000-4000-8000-00000000000" + std::string(1, number) +
         "\"\nname = \"rule_" + std::string(1, number) +
         "\"\ntitle = \"A rule\"\nlevel = \"high\"\non = \"exec_check\"\nresponse = { action = \"" +
         std::string(action) + "\" }\n[rule.detection]\n" + std::string(detection) + "\n";
}

std::shared_ptr<const RuleSet> compile(const std::string& toml) {
  auto file = std::make_shared<SourceFile>();
  file->path = "rules.toml";
  file->text = toml;
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(file, document, diagnostics);
  check_document(document, diagnostics);
  auto rules = RuleSet::compile(document, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all()) UNSCOPED_INFO(render(diagnostic));
  REQUIRE(diagnostics.errors() == 0);
  return rules;
}

const std::string kTools = R"(tool."process.executable|startswith" = "/opt/tools/"
condition = "tool")";

Make check(std::string_view executable, int inode = 7) {
  return test::event(EventKind::kExecCheck, 100)
      .at(1)
      .with("process.executable", executable)
      .with("process.Ext.device", "8:1")
      .with("process.Ext.inode", inode);
}

TEST_CASE("an exec is refused where a rule denies it and the responses are armed", "[live]") {
  ExecJudge judge(compile(rule('1', kTools)), {.armed = true});
  CHECK(judge.judge(check("/opt/tools/nc"), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/usr/bin/nc"), 0) == ExecVerdict::kNoRule);
}

TEST_CASE("a rehearsal says what would be refused", "[live]") {
  ExecJudge judge(compile(rule('1', kTools)), {.armed = false});
  CHECK(judge.judge(check("/opt/tools/nc"), 0) == ExecVerdict::kDryRun);
}

TEST_CASE("a rule that only alerts refuses nothing", "[live]") {
  ExecJudge judge(compile(rule('1', kTools, "alert")), {.armed = true});
  CHECK(judge.judge(check("/opt/tools/nc"), 0) == ExecVerdict::kNoRule);
  CHECK_FALSE(ExecJudge::has_deny(*compile(rule('1', kTools, "alert"))));
  CHECK(ExecJudge::has_rules(*compile(rule('1', kTools, "alert"))));
  CHECK(ExecJudge::has_deny(*compile(rule('1', kTools))));
}

TEST_CASE("TRUST 7: what is protected is never refused", "[live]") {
  ExecJudge judge(compile(rule('1', kTools)),
                  {.armed = true, .protect = {.executables = {"/opt/tools/sshd"}, .units = {"ssh.service"}}});
  CHECK(judge.judge(check("/opt/tools/sshd"), 0) == ExecVerdict::kProtected);
  CHECK(judge.judge(check("/opt/tools/nc").with("process.Ext.unit", "ssh.service"), 0) ==
        ExecVerdict::kProtected);
  CHECK(judge.judge(check("/opt/tools/nc").with("process.Ext.unit", "cron.service"), 0) ==
        ExecVerdict::kDenied);
}

TEST_CASE("nothing is refused where a field that could not be had decided", "[live]") {
  ExecJudge judge(compile(rule('1', R"(tool."process.executable|startswith" = "/opt/tools/"
harmless."process.args" = "--version"
condition = "tool and not harmless")")),
                  {.armed = true});
  CHECK(judge.judge(check("/opt/tools/nc").with("process.args", {"nc", "-e"}), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/nc").with("detectd.missing", {"process.args"}).without("process.args"),
                    0) == ExecVerdict::kIncomplete);
  CHECK(judge.judge(check("/opt/tools/nc")
                        .with("process.args", {"nc"})
                        .with("detectd.missing", {"process.thread.name"}),
                    0) == ExecVerdict::kDenied);
  // A path that leads elsewhere for us is named there too, though it stands in the event.
  CHECK(
      judge.judge(
          check("/opt/tools/nc").with("process.args", {"nc"}).with("detectd.missing", {"process.executable"}),
          0) == ExecVerdict::kIncomplete);
}

TEST_CASE("an exec is refused where the rule holds whatever a missing field would have been", "[live]") {
  ExecJudge judge(compile(rule('1', R"(root."process.user.id" = 0
tool."process.executable|startswith" = "/opt/tools/"
condition = "root or tool")")),
                  {.armed = true});
  const auto unread = [](const char* path) {
    return check(path).with("detectd.missing", {"process.user.id"}).without("process.user.id");
  };
  CHECK(judge.judge(unread("/opt/tools/nc"), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(unread("/usr/bin/nc"), 0) == ExecVerdict::kNoRule);
}

TEST_CASE("what only a lineage would tell is unknown, and denies nothing", "[live]") {
  const char* const exceptions[] = {
      R"(x."process.parent.command_line|contains" = "certbot")",
      R"(x."process.parent.user.name" = "root")",
      R"(x."process.ancestors.command_line|contains" = "certbot")",
      R"(x."process.ancestors.name" = "sshd")",
      R"(x."process.previous.command_line|contains" = "certbot")",
  };
  for (const char* const exception : exceptions) {
    INFO(exception);
    ExecJudge judge(compile(rule('1', R"(tool."process.executable|startswith" = "/opt/tools/"
)" + std::string(exception) + "\ncondition = \"tool and not x\"")),
                    {.armed = true});
    CHECK(judge.judge(check("/opt/tools/nc")
                          .with("process.parent.pid", 50)
                          .with("process.parent.executable", "/bin/sh"),
                      0) == ExecVerdict::kIncomplete);
  }
  ExecJudge judge(compile(rule('1', R"(tool."process.executable|startswith" = "/opt/tools/"
x."process.parent.name" = "certbot"
condition = "tool and not x")")),
                  {.armed = true});
  CHECK(judge.judge(check("/opt/tools/nc").with("process.parent.executable", "/bin/sh"), 0) ==
        ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/nc").with("process.parent.executable", "/bin/certbot"), 0) ==
        ExecVerdict::kNoRule);
  // Whose program could not be read.
  CHECK(judge.judge(check("/opt/tools/nc").with("process.parent.pid", 50), 0) == ExecVerdict::kIncomplete);
}

TEST_CASE("parents and ancestors are those that stand in the event", "[live]") {
  ExecJudge judge(compile(rule('1', R"(shell."process.name" = "sh"
web."process.ancestors.name" = "nginx"
parent."process.parent.executable" = "/usr/sbin/php-fpm"
condition = "shell and web and parent")")),
                  {.armed = true});
  const auto shell = [](const char* parent, std::initializer_list<const char*> ancestors) {
    return check("/bin/sh")
        .with("process.parent.pid", 50)
        .with("process.parent.executable", parent)
        .with("process.ancestors.name", ancestors);
  };
  CHECK(judge.judge(shell("/usr/sbin/php-fpm", {"php-fpm", "nginx"}), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(shell("/usr/sbin/php-fpm", {"php-fpm", "cron"}), 0) == ExecVerdict::kNoRule);
  CHECK(judge.judge(shell("/usr/sbin/cron", {"cron", "nginx"}), 0) == ExecVerdict::kNoRule);
}

TEST_CASE("TRUST 8: the budget of deny counts programs, so that trying again is no way in", "[live]") {
  ExecJudge judge(compile(rule('1', kTools) + rule('2', R"(any."process.executable|startswith" = "/usr/"
condition = "any")")),
                  {.armed = true, .budget = {.per_rule = {.count = 2}, .total = {.count = 3}}});
  for (int i = 0; i < 1000; ++i) REQUIRE(judge.judge(check("/opt/tools/a", 1), i) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/b", 2), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/c", 3), 0) == ExecVerdict::kOverBudget);
  CHECK(judge.judge(check("/usr/bin/a", 4), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/usr/bin/b", 5), 0) == ExecVerdict::kOverBudget);
  // What was refused stays so; a minute later there is room for others.
  CHECK(judge.judge(check("/opt/tools/a", 1), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/c", 3), 61 * kSecondNs) == ExecVerdict::kDenied);
}

TEST_CASE("one rule's budget that is spent keeps no other rule from refusing", "[live]") {
  ExecJudge judge(compile(rule('1', kTools) + rule('2', R"(tool."process.executable" = "/opt/tools/b"
condition = "tool")")),
                  {.armed = true, .budget = {.per_rule = {.count = 1}, .total = {}}});
  CHECK(judge.judge(check("/opt/tools/a", 1), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/b", 2), 0) == ExecVerdict::kDenied);
  CHECK(judge.judge(check("/opt/tools/c", 3), 0) == ExecVerdict::kOverBudget);
}

TEST_CASE("a reload brings other rules and another mode", "[live]") {
  ExecJudge judge(compile(rule('1', kTools)), {.armed = false});
  CHECK(judge.judge(check("/opt/tools/nc"), 0) == ExecVerdict::kDryRun);
  judge.reload(compile(rule('1', R"(tool."process.executable" = "/usr/bin/nc"
condition = "tool")")),
               {.armed = true});
  CHECK(judge.judge(check("/opt/tools/nc"), 0) == ExecVerdict::kNoRule);
  CHECK(judge.judge(check("/usr/bin/nc"), 0) == ExecVerdict::kDenied);
}

TEST_CASE("what became of an exec has the words of a hit's outcome", "[live]") {
  CHECK(to_string(ExecVerdict::kNoRule).empty());
  CHECK(to_string(ExecVerdict::kDenied) == "denied");
  CHECK(to_string(ExecVerdict::kTooLate) == "refused: deadline");
}

}  // namespace
}  // namespace detectd
