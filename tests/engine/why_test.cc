#include "engine/why.h"

#include <catch2/catch.hpp>

#include "engine/rule_parser.h"
#include "tests/support/events.h"
#include "tests/support/random_match.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

// A rule, compiled, and what may be asked about it.
struct Asked {
  explicit Asked(const std::string& toml)
      : document(testing::read_document(toml)),
        rules(RuleSet::compile(document, diagnostics)),
        inquiry(document, *rules) {}

  RuleWhy ask(const Event& event) { return inquiry.ask(0, event); }

  RuleDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> rules;
  Inquiry inquiry;
};

std::string rule(const std::string& detection) {
  return "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"r\"\ntitle = \"t\"\nlevel = "
         "\"low\"\n"
         "on = \"exec\"\n[rule.detection]\n" +
         detection;
}

// The items that would have to be otherwise: `field=value field=value`.
std::string to_change(const RuleWhy& why) {
  std::string text;
  for (const DetectionWhy& detection : why.detections) {
    for (const SelectionWhy& selection : detection.selections) {
      for (const AlternativeWhy& alternative : selection.alternatives) {
        for (const ItemWhy& item : alternative.items) {
          if (item.to_change)
            text += (text.empty() ? "" : " ") + item.item->field + "=" + *item.item->values.front().text();
        }
      }
    }
  }
  return text;
}

TEST_CASE("why a rule holds is what the engine says, over random rules and events", "[why]") {
  bench::Random random(11);
  size_t held = 0, pairs = 0;
  for (int round = 0; round < 40; ++round) {
    std::string toml;
    for (int i = 0; i < 10; ++i) toml += test::random_rule_text(random, i);
    CAPTURE(toml);
    Asked asked(toml);
    for (int i = 0; i < 20; ++i) {
      const Event event = test::random_event(random, asked.rules->schema());
      for (const uint32_t index : asked.rules->for_kind(event.kind).rules) {
        const RuleWhy why = asked.inquiry.ask(index, event);
        CAPTURE(index);
        REQUIRE(why.kind_fits);
        REQUIRE(why.detections.size() == 1);
        CHECK(why.detections.front().holds == why.holds);
        // Nothing has to change exactly where it holds, and else what is marked is as much as is said.
        CHECK((why.to_change == 0) == why.holds);
        size_t marked = 0;
        for (const SelectionWhy& selection : why.detections.front().selections) {
          for (const AlternativeWhy& alternative : selection.alternatives) {
            for (const ItemWhy& item : alternative.items) marked += item.to_change ? 1 : 0;
          }
        }
        CHECK(marked == why.to_change);
        held += why.holds ? 1 : 0;
        ++pairs;
      }
    }
  }
  CHECK(pairs > 5000);
  CHECK(held > 1000);
}

TEST_CASE("the fewest items that would have to be otherwise are marked", "[why]") {
  struct Case {
    const char* detection;
    const char* marked;
    size_t changes, as_wanted;
  };
  // The event: bash, started by cron, with `bash -i` as its command line.
  const Case cases[] = {
      {R"toml(a."process.name" = "bash"
condition = "a")toml",
       "", 0, 1},
      {R"toml(a."process.name" = "bash"
a."process.parent.name" = "sshd"
condition = "a")toml",
       "process.parent.name=sshd", 1, 1},
      {R"toml(a."process.name" = "bash"
b."process.parent.name" = "cron"
condition = "a and not b")toml",
       "process.parent.name=cron", 1, 1},
      {R"toml(a."process.name" = "zsh"
a."process.parent.name" = "sshd"
b."process.name" = "ksh"
condition = "a or b")toml",
       "process.name=ksh", 1, 0},
      {R"toml(a = [{ "process.name" = "zsh", "process.parent.name" = "sshd" }, { "process.name" = "bash", "process.parent.name" = "x" }]
condition = "a")toml",
       "process.parent.name=x", 1, 1},
      {R"toml(a."process.name" = "bash"
a."process.parent.name" = "cron"
b."process.name" = "bash"
condition = "not (a or b)")toml",
       "process.name=bash process.name=bash", 2, 0},
  };
  for (const Case& each : cases) {
    CAPTURE(each.detection);
    Asked asked(rule(each.detection));
    const Event event =
        test::exec(7, "/bin/bash").with("process.name", "bash").with("process.parent.name", "cron");
    const RuleWhy why = asked.ask(event);
    CHECK(to_change(why) == each.marked);
    CHECK(why.to_change == each.changes);
    CHECK(why.as_wanted == each.as_wanted);
    CHECK(why.holds == (each.changes == 0));
  }
}

TEST_CASE("several items on the ancestors are told of the one for which most hold", "[why]") {
  Asked asked(rule(R"toml(a."process.ancestors.name" = "sshd"
a."process.ancestors.command_line|contains" = "-D"
condition = "a")toml"));
  const Event event = test::exec(7, "/bin/bash")
                          .with("process.ancestors.name", {"bash", "cron", "sshd"})
                          .with("process.ancestors.command_line", {"bash -D", "cron", "sshd -D"});
  RuleWhy why = asked.ask(event);
  CHECK(why.holds);
  CHECK(why.detections[0].selections[0].alternatives[0].ancestor == 2);
  const Event other = test::exec(7, "/bin/bash")
                          .with("process.ancestors.name", {"bash", "cron", "sshd"})
                          .with("process.ancestors.command_line", {"bash -D", "cron", "sshd"});
  why = asked.ask(other);
  CHECK_FALSE(why.holds);
  CHECK(why.detections[0].selections[0].alternatives[0].ancestor == 0);
  CHECK(to_change(why) == "process.ancestors.name=sshd");
}

TEST_CASE("what an event says of a field, and what was met or nearly met, is told", "[why]") {
  Asked asked(rule(R"toml(a."process.name" = ["sh", "ba*"]
a."process.command_line|contains" = "curl http"
a."process.user.name" = "root"
a."process.executable|exists" = true
condition = "a")toml"));
  const Event event = test::exec(7, "/bin/bash")
                          .with("process.name", "bash")
                          .with("process.command_line", "x curl ftp")
                          .without("process.user.name");
  const RuleWhy why = asked.ask(event);
  const auto& items = why.detections[0].selections[0].alternatives[0].items;
  REQUIRE(items.size() == 4);
  CHECK(items[0].met == 1);
  CHECK(items[0].values == std::vector<std::string>{"bash"});
  REQUIRE(items[1].reach);
  CHECK(items[1].reach->found == "curl ");
  CHECK(items[1].values[0].substr(items[1].reach->end) == "ftp");
  CHECK(items[2].said == Said::kNotReadable);
  CHECK(items[3].holds);
}

TEST_CASE("a filter that silences a rule is told, with its items", "[why]") {
  Asked asked(rule("a.\"process.name\" = \"bash\"\ncondition = \"a\"\n") +
              "[[filter]]\nid = \"00000000-0000-4000-8000-000000000009\"\ntitle = \"backup\"\nrules = \"r\"\n"
              "[filter.detection]\nb.\"process.parent.name\" = \"backup\"\ncondition = \"not b\"\n");
  const Event event =
      test::exec(7, "/bin/bash").with("process.name", "bash").with("process.parent.name", "backup");
  const RuleWhy why = asked.ask(event);
  CHECK_FALSE(why.holds);
  REQUIRE(why.detections.size() == 2);
  CHECK(why.detections[0].holds);
  CHECK_FALSE(why.detections[1].holds);
  REQUIRE(why.detections[1].filter != nullptr);
  CHECK(why.detections[1].filter->title == "backup");
  CHECK(to_change(why) == "process.parent.name=backup");
}

TEST_CASE("events of another kind are not for the rule, whatever they say", "[why]") {
  Asked asked(rule("a.\"process.name\" = \"bash\"\ncondition = \"a\"\n"));
  const Event event = test::end(7).with("process.name", "bash");
  const RuleWhy why = asked.ask(event);
  CHECK_FALSE(why.kind_fits);
  CHECK_FALSE(why.holds);
  CHECK(why.detections[0].holds);
}

TEST_CASE("rules are ranked by how near they came; those of which nothing is there are left out", "[why]") {
  const auto numbered = [](int number, const std::string& detection) {
    return "[[rule]]\nid = \"00000000-0000-4000-8000-00000000000" + std::to_string(number) +
           "\"\ntitle = \"t\"\nlevel = \"low\"\non = \"exec\"\n[rule.detection]\n" + detection;
  };
  Asked asked(
      numbered(1, "a.\"process.name\" = \"zsh\"\ncondition = \"a\"\n") +
      numbered(2, "a.\"process.name\" = \"bash\"\na.\"process.parent.name\" = \"x\"\ncondition = \"a\"\n") +
      numbered(3, "a.\"process.name\" = \"bash\"\ncondition = \"a\"\n") +
      numbered(4,
               "a.\"process.name\" = \"bash\"\na.\"process.executable\" = \"/bin/bash\"\n"
               "a.\"process.parent.name\" = \"x\"\ncondition = \"a\"\n"));
  const Event event =
      test::exec(7, "/bin/bash").with("process.name", "bash").with("process.parent.name", "cron");
  std::string order;
  for (const Inquiry::Distance& distance : asked.inquiry.rank(event)) {
    order += asked.rules->rules()[distance.rule].rule->id.back();
    order += distance.holds ? "! " : " ";
  }
  CHECK(order == "3! 4 2 ");
}

TEST_CASE("a rule that no event can meet is known as such", "[why]") {
  const auto may_hold = [](const char* detection) { return Asked(rule(detection)).inquiry.may_hold(0); };
  CHECK(may_hold("a.\"process.name\" = \"sh\"\ncondition = \"a\"\n"));
  CHECK_FALSE(may_hold("a.\"process.name\" = \"/bin/sh\"\ncondition = \"a\"\n"));
  CHECK(may_hold("a.\"process.name\" = \"/bin/sh\"\nb.\"process.name\" = \"sh\"\ncondition = \"a or b\"\n"));
  CHECK_FALSE(
      may_hold("a.\"process.name\" = \"/bin/sh\"\nb.\"process.name\" = \"sh\"\ncondition = \"a and b\"\n"));
}

}  // namespace
}  // namespace detectd
