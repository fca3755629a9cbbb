#include "src/rule_selection.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

RuleDocument three_rules() {
  RuleDocument document;
  for (const char* name : {"web_shell", "nc_reverse", ""}) {
    Rule rule;
    rule.id = "id-" + std::to_string(document.rules.size());
    rule.name = name;
    document.rules.push_back(rule);
  }
  return document;
}

std::string selected(const std::vector<std::string>& only, const std::vector<std::string>& skip) {
  RuleDocument document = three_rules();
  const Status status = select_rules(only, skip, document);
  if (!status) return status.error().message;
  std::string ids;
  for (const Rule& rule : document.rules) ids += rule.id + " ";
  return ids;
}

}  // namespace

TEST_CASE("rules are selected by id or name, and what is skipped stays away", "[rule_selection]") {
  CHECK(selected({}, {}) == "id-0 id-1 id-2 ");
  CHECK(selected({"web_shell", "id-2"}, {}) == "id-0 id-2 ");
  CHECK(selected({}, {"id-1"}) == "id-0 id-2 ");
  CHECK(selected({"web_shell"}, {"id-0"}).empty());
}

TEST_CASE("what a chosen correlation names runs with it, over chains, and gives no hits",
          "[rule_selection]") {
  const auto run = [](const std::vector<std::string>& only, const std::vector<std::string>& skip) {
    RuleDocument document = three_rules();
    for (const char* named : {"nc_reverse", "id-3"}) {
      Rule rule;
      rule.id = "id-" + std::to_string(document.rules.size());
      rule.correlation.emplace().rules.push_back({.text = named, .span = {}});
      document.rules.push_back(rule);
    }
    REQUIRE(select_rules(only, skip, document));
    std::string ids;
    for (const Rule& rule : document.rules) ids += rule.id + (rule.feeds_only ? "* " : " ");
    return ids;
  };
  CHECK(run({}, {}) == "id-0 id-1 id-2 id-3 id-4 ");
  CHECK(run({"id-3"}, {}) == "id-1* id-3 ");
  CHECK(run({"id-4"}, {}) == "id-1* id-3* id-4 ");
  CHECK(run({"id-4", "id-1"}, {}) == "id-1 id-3* id-4 ");
  CHECK(run({}, {"id-1", "id-4"}) == "id-0 id-1* id-2 id-3 ");
  CHECK(run({}, {"id-1", "id-3", "id-4"}) == "id-0 id-2 ");
}

TEST_CASE("what is built in always runs, and can not be skipped", "[rule_selection]") {
  const auto built_in = std::make_shared<SourceFile>();
  const auto run = [&](const std::vector<std::string>& only, const std::vector<std::string>& skip) {
    RuleDocument document = three_rules();
    Rule rule;
    rule.id = "id-3";
    rule.name = "detectd.lost";
    rule.file = built_in;
    document.rules.push_back(rule);
    const Status status = select_rules(only, skip, document, built_in);
    if (!status) return status.error().message;
    std::string ids;
    for (const Rule& each : document.rules) ids += each.id + (each.feeds_only ? "* " : " ");
    return ids;
  };
  CHECK(run({"web_shell"}, {}) == "id-0 id-3 ");
  CHECK(run({}, {"web_shell"}) == "id-1 id-2 id-3 ");
  const std::string refused =
      "--skip: detectd.lost is built in and always runs; a filter of the site can narrow it";
  CHECK(run({}, {"detectd.lost"}) == refused);
  CHECK(run({}, {"id-3"}) == refused);
}

TEST_CASE("a rule that does not exist is an error with a hint", "[rule_selection]") {
  CHECK(selected({"web_shel"}, {}) ==
        "--only: no rule has the id or name `web_shel`; did you mean `web_shell`?");
  CHECK(selected({}, {"something else"}) == "--skip: no rule has the id or name `something else`");
  CHECK(selected({""}, {}) == "--only: no rule has the id or name ``");
}

}  // namespace detectd
