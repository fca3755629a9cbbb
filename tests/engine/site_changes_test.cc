// Filters and overrides: what a site changes in rules that somebody else wrote.
#include "engine/site_changes.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "engine/rule_parser.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

using testing::names_of;
using testing::Stream;

const std::string kVendor =
    "[lists]\nshells = [\"sh\", \"bash\"]\n"
    "[[rule]]\nid = \"00000000-0000-4000-8000-000000000001\"\nname = \"shell\"\ntitle = \"t\"\nlevel = "
    "\"low\"\n"
    "on = \"exec\"\n[rule.detection]\ns.\"process.name|expand\" = \"%shells%\"\ncondition = \"s\"\n"
    "[[rule]]\nid = \"00000000-0000-4000-8000-000000000002\"\nname = \"root\"\ntitle = \"t\"\nlevel = "
    "\"low\"\n"
    "on = \"exec\"\n[rule.detection]\ns.\"user.id\" = 0\nother.\"process.name\" = \"id\"\n"
    "condition = [\"s\", \"other\"]\n";

struct Site {
  RuleDocument document;
  Diagnostics diagnostics;

  std::string codes() const {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics.all())
      text += (text.empty() ? "" : " ") + diagnostic.code;
    return text;
  }
};

// The vendor's file and one of the site.
Site read(const std::string& site_toml) {
  Site site;
  const auto parse = [&](const char* path, const std::string& text) {
    parse_rules(std::make_shared<const SourceFile>(SourceFile{path, text}), site.document, site.diagnostics);
  };
  parse("/usr/share/vendor.toml", kVendor);
  if (!site_toml.empty()) parse("/etc/site.toml", site_toml);
  check_document(site.document, site.diagnostics);
  return site;
}

// The names of the rules that hold for a process of that name and user, with the site's file.
std::string reported(const std::string& site_toml, const std::string& name, int user) {
  Site site = read(site_toml);
  for (const Diagnostic& diagnostic : site.diagnostics.all()) INFO(render(diagnostic));
  Stream stream(RuleSet::compile(site.document, site.diagnostics), {});
  REQUIRE(site.codes() == "");
  return names_of(stream.exec(0, "\"process\":{\"name\":\"" + name + "\",\"user\":{\"id\":" +
                                     std::to_string(user) + "},\"parent\":{\"name\":\"cron\"}}"));
}

std::string filter(const std::string& rules, const std::string& detection) {
  return "[[filter]]\nrules = " + rules + "\n[filter.detection]\n" + detection + "\n";
}

const std::string kNotCron = "selection.\"process.parent.name\" = \"cron\"\ncondition = \"not selection\"";

}  // namespace

TEST_CASE("a filter narrows the rules it names, by id or name, and no others", "[site_changes]") {
  CHECK(reported("", "sh", 0) == "shell root");
  CHECK(reported(filter("[\"shell\"]", kNotCron), "sh", 0) == "root");
  CHECK(reported(filter("\"00000000-0000-4000-8000-000000000002\"", kNotCron), "sh", 0) == "shell");
  CHECK(reported(filter("\"any\"", kNotCron), "sh", 0) == "");
}

TEST_CASE("a filter's condition is joined by and, whatever the rule's is", "[site_changes]") {
  const std::string uid = "s.\"user.id\" = 7\ncondition = \"s\"";
  CHECK(reported(filter("[\"root\"]", uid), "id", 0) == "");
  CHECK(reported(filter("[\"root\"]", uid), "id", 7) == "root");
  CHECK(reported(filter("[\"root\"]", uid), "sh", 7) == "shell");
}

TEST_CASE("a filter's selections are its own, also those that the rule has by the same name",
          "[site_changes]") {
  const std::string same = "s.\"process.parent.name\" = \"cron\"\ncondition = \"not 1 of them\"";
  CHECK(reported(filter("[\"shell\"]", same), "sh", 0) == "root");
  const std::string two = filter("[\"shell\"]", "a.\"user.id\" = 0\ncondition = \"not a\"") +
                          filter("[\"shell\"]", "a.\"user.id\" = 7\ncondition = \"not a\"");
  CHECK(reported(two, "sh", 0) == "root");
  CHECK(reported(two, "sh", 7) == "");
  CHECK(reported(two, "sh", 8) == "shell");
}

TEST_CASE("a filter for any rule need not fit every kind of event", "[site_changes]") {
  const std::string ended = filter("\"any\"", "s.\"process.exit_code\" = 0\ncondition = \"not s\"");
  CHECK(reported(ended, "sh", 7) == "shell");
  Site site = read(filter("[\"shell\"]", "s.\"process.exit_code\" = 0\ncondition = \"not s\""));
  RuleSet::compile(site.document, site.diagnostics);
  CHECK(site.codes() == "D050");
}

TEST_CASE("a mistake in a filter for any rule is told once", "[site_changes]") {
  Site site = read(filter(
      "\"any\"", "s.\"process.nmae\" = \"sh\"\nt.\"user.id|re\" = 'a(b'\ncondition = \"not 1 of them\""));
  RuleSet::compile(site.document, site.diagnostics);
  CHECK(site.codes() == "D051 D030");
}

TEST_CASE("a filter with a logsource is for imported rules of that one", "[site_changes]") {
  const std::string imported =
      "[[rule]]\nid = \"00000000-0000-4000-8000-000000000003\"\nname = \"sigma\"\ntitle = \"t\"\nlevel = "
      "\"low\"\n"
      "logsource = { category = \"process_creation\", product = \"linux\" }\ntaxonomy = \"sigma\"\n"
      "[rule.detection]\ns.ProcessId = 5\ns2.CommandLine = \"x\"\ncondition = \"1 of s*\"\n";
  const std::string narrow =
      "[[filter]]\nrules = \"any\"\nlogsource = { category = \"process_creation\" }\ntaxonomy = \"sigma\"\n"
      "[filter.detection]\ns.CommandLine = \"x\"\ncondition = \"not s\"\n";
  Site site = read(imported + narrow);
  REQUIRE(site.codes() == "");
  CHECK(site.document.rules[0].filters.empty());
  CHECK(site.document.rules[2].filters.size() == 1);
  Stream stream(RuleSet::compile(site.document, site.diagnostics), {});
  CHECK(names_of(stream.exec(0, R"("process":{"command_line":"x"})")) == "");
  CHECK(names_of(stream.exec(0, R"("process":{"command_line":"y","pid":5})")) == "sigma");
}

TEST_CASE("a filter gives a response no new ways to hold, and may give it what vouches", "[site_changes]") {
  const auto codes = [](const std::string& text) {
    Site site = read(
        "[[rule]]\nid = \"00000000-0000-4000-8000-000000000003\"\nname = \"kills\"\ntitle = \"t\"\n"
        "level = \"low\"\non = \"exec\"\nresponse = { action = \"kill\" }\n[rule.detection]\n"
        "s.\"process.command_line\" = \"x\"\ncondition = \"s\"\n" +
        text);
    RuleSet::compile(site.document, site.diagnostics);
    return site.codes();
  };
  CHECK(codes("") == "D120");
  CHECK(codes(filter("[\"kills\"]", "s.\"process.name\" = \"nc\"\ncondition = \"s\"")) == "");
  CHECK(codes(filter("[\"kills\"]", kNotCron)) == "D120");
}

TEST_CASE("an override sets what a rule says, and each value knows where it was written", "[site_changes]") {
  const Site site = read(
      "[[override]]\nrule = \"shell\"\nlevel = \"critical\"\n"
      "[[override]]\nrule = \"shell\"\nsuppress = { for = \"1h\" }\nresponse = { action = \"stop\" }\n"
      "[[override]]\nrule = \"00000000-0000-4000-8000-000000000002\"\nenabled = false\n");
  REQUIRE(site.codes() == "");
  const Rule& shell = site.document.rules[0];
  CHECK(shell.level == Level::kCritical);
  CHECK(shell.suppress->for_ns == 3'600'000'000'000);
  CHECK(shell.response->action == ResponseAction::kStop);
  const auto origin = [&](const Rule& rule, const char* key) {
    const Place place = rule.origin(key);
    return place.file->path + ":" + std::to_string(place.span.line);
  };
  CHECK(origin(shell, "level") == "/etc/site.toml:3");
  CHECK(origin(shell, "suppress") == "/etc/site.toml:6");
  CHECK(origin(shell, "response") == "/etc/site.toml:7");
  CHECK(origin(shell, "title") == "/usr/share/vendor.toml:6");
  CHECK(origin(site.document.rules[1], "enabled") == "/etc/site.toml:10");
}

TEST_CASE("a rule that a site disables is inactive, and says where that was written", "[site_changes]") {
  Site site = read("[[override]]\nrule = \"root\"\nenabled = false\n");
  const auto rules = RuleSet::compile(site.document, site.diagnostics);
  CHECK(rules->rules().size() == 1);
  REQUIRE(rules->inactive().size() == 1);
  CHECK(rules->inactive()[0].reason == "disabled in /etc/site.toml:3");
}

TEST_CASE("a correlation of a rule that does not run is inactive with it", "[site_changes]") {
  Site site = read(
      "[[override]]\nrule = \"root\"\nenabled = false\n"
      "[[correlation]]\nid = \"00000000-0000-4000-8000-000000000009\"\ntitle = \"t\"\nlevel = \"low\"\n"
      "type = \"temporal\"\nrules = [\"root\", \"shell\"]\ntimespan = \"1m\"\n");
  const auto rules = RuleSet::compile(site.document, site.diagnostics);
  REQUIRE(site.codes() == "");
  CHECK(rules->correlations().empty());
  REQUIRE(rules->inactive().size() == 2);
  CHECK(rules->inactive()[1].reason == "the rule `root` that it names is inactive");
  // What nothing is made of is reported by itself.
  CHECK_FALSE(rules->rules()[0].silent);
}

TEST_CASE("an override extends a list, and the new values know their place", "[site_changes]") {
  const std::string zsh = "[[override]]\nlist = \"shells\"\nadd = [\"zsh\"]\n";
  CHECK(reported("", "zsh", 7) == "");
  CHECK(reported(zsh, "zsh", 7) == "shell");
  CHECK(reported(zsh, "bash", 7) == "shell");
  const Site site = read(zsh);
  const ListDefinition& list = site.document.lists.at("shells");
  REQUIRE(list.additions.size() == 1);
  CHECK(list.additions[0].first == 2);
  CHECK(list.additions[0].place.file->path == "/etc/site.toml");
  CHECK(list.additions[0].place.span.line == 3);
}

TEST_CASE("what a site changes is part of the rules' digest, how it is laid out is not", "[site_changes]") {
  const auto digest = [](const std::string& text) {
    Site site = read(text);
    return hex(RuleSet::compile(site.document, site.diagnostics)->digest());
  };
  const std::string none = digest("");
  CHECK(digest("[[override]]\nrule = \"shell\"\nlevel = \"low\"\n") == none);
  CHECK(digest("[[override]]\nrule = \"shell\"\nlevel = \"high\"\n") != none);
  CHECK(digest("[[override]]\nrule = \"shell\"\nenabled = false\n") != none);
  CHECK(digest("[[override]]\nlist = \"shells\"\nadd = [\"zsh\"]\n") != none);
  CHECK(digest(filter("[\"shell\"]", kNotCron)) != none);
  CHECK(digest(filter("[\"shell\"]", kNotCron)) == digest("# why\n" + filter("\"shell\"", kNotCron)));
}

TEST_CASE("a rule with a mistake of its own is not said to be unknown", "[site_changes]") {
  const Site site = read(
      "[[rule]]\nid = \"00000000-0000-4000-8000-000000000003\"\nname = \"broken\"\ntitle = \"t\"\nlevel = "
      "\"hihg\"\n"
      "on = \"exec\"\n[rule.detection]\ns.\"user.id\" = 0\ncondition = \"s\"\n"
      "[[override]]\nrule = \"broken\"\nlevel = \"low\"\n");
  CHECK(site.codes() == "D021");
}

}  // namespace detectd
