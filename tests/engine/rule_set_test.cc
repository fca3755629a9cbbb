#include "engine/rule_set.h"

#include <catch2/catch.hpp>
#include <string>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "engine/rule_parser.h"

namespace detectd {
namespace {

constexpr const char* kIds[] = {
    "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-000000000004"};

std::string rule(int number, const std::string& rest) {
  return std::string("[[rule]]\nid = \"") + kIds[number] + "\"\ntitle = \"t\"\nlevel = \"low\"\n" + rest +
         "\n";
}

struct Compiled {
  RuleDocument document;
  Diagnostics diagnostics;
  std::shared_ptr<const RuleSet> rules;

  // The codes of all diagnostics, in order of lines.
  std::string codes() {
    diagnostics.sort();
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics.all()) text += diagnostic.code + " ";
    return text;
  }
};

Compiled compile(const std::string& toml) {
  Compiled compiled;
  auto file = std::make_shared<SourceFile>();
  file->path = "r.toml";
  file->text = toml;
  parse_rules(file, compiled.document, compiled.diagnostics);
  check_document(compiled.document, compiled.diagnostics);
  compiled.rules = RuleSet::compile(compiled.document, compiled.diagnostics);
  return compiled;
}

const std::string kSimple = "[rule.detection]\ns.\"process.name\" = \"sh\"\ncondition = \"s\"";

}  // namespace

TEST_CASE("rules that say the same share their terms", "[rule_set]") {
  const Compiled c = compile(rule(0, "on = \"exec\"\n" + kSimple) + rule(1, "on = \"end\"\n" + kSimple));
  REQUIRE(c.rules->rules().size() == 2);
  CHECK(c.rules->terms().size() == 1);
  CHECK(c.rules->for_kind(EventKind::kExec).rules.size() == 1);
  CHECK(c.rules->for_kind(EventKind::kPtrace).rules.empty());
}

TEST_CASE("a term is evaluated at most once per event, and only where a key of its rule is", "[rule_set]") {
  const std::string costly =
      "[rule.detection]\nr.\"process.command_line|re|s\" = 'x.*y'\nn.\"process.name\" = \"sh\"\n"
      "condition = \"r and n\"";
  const Compiled c = compile(rule(0, "on = \"exec\"\n" + costly) + rule(1, "on = \"exec\"\n" + costly) +
                             rule(2, "on = \"exec\"\n" + kSimple));
  Matcher matcher(*c.rules);
  Event event;
  event.clear(c.rules->schema().size());
  event.set_text(process_field(Leaf::kName), "sh");
  event.set_text(process_field(Leaf::kCommandLine), "x");
  std::vector<uint32_t> held;
  matcher.match(event, held);
  CHECK(held == std::vector<uint32_t>{2});
  CHECK(matcher.terms_evaluated() == 2);
  event.set_text(process_field(Leaf::kName), "bash");
  matcher.match(event, held);
  CHECK(held.size() == 1);
  CHECK(matcher.terms_evaluated() == 2);
}

TEST_CASE("what can not run is inactive and says why", "[rule_set]") {
  const std::string item = "\n[rule.detection]\ns.Image = \"x\"\ncondition = \"s\"";
  const Compiled c =
      compile(rule(0, "on = \"exec\"\nstatus = \"deprecated\"\n" + kSimple) +
              rule(1, "taxonomy = \"sigma\"\nlogsource = { category = \"dns_query\" }" + item) +
              rule(2,
                   "taxonomy = \"sigma\"\nlogsource = { category = \"process_creation\" "
                   "}\n[rule.detection]\n"
                   "s.NoSuchField = \"x\"\ncondition = \"s\""));
  CHECK(c.diagnostics.errors() == 0);
  CHECK(c.rules->rules().empty());
  REQUIRE(c.rules->inactive().size() == 3);
  CHECK(c.rules->inactive()[0].reason == "its status is deprecated");
  CHECK(c.rules->inactive()[1].reason == "no source feeds the logsource category dns_query");
  CHECK(c.rules->inactive()[2].reason == "no source knows the field NoSuchField");
}

TEST_CASE("a response must rest on what the kernel vouches for, on every way", "[rule_set]") {
  const auto [detection, codes] = GENERATE(table<const char*, const char*>({
      {"s.\"process.command_line\" = \"x\"\ncondition = \"s\"", "D120 "},
      {"s.\"process.executable\" = \"/x\"\ncondition = \"s\"", ""},
      {"s.\"process.executable\" = \"/x\"\nt.\"process.command_line\" = \"x\"\ncondition = \"s and "
       "t\"",
       ""},
      {"s.\"process.executable\" = \"/x\"\nt.\"process.command_line\" = \"x\"\ncondition = \"s or "
       "t\"",
       "D120 "},
      {"s.\"process.executable\" = \"/x\"\nt.\"process.command_line\" = \"x\"\ncondition = \"t and "
       "not s\"",
       "D120 "},
      {"s.\"process.executable\" = \"/x\"\nt.\"process.command_line\" = \"x\"\ncondition = \"not "
       "(t or not s)\"",
       ""},
      {"s.\"process.executable|neq\" = \"/x\"\ncondition = \"s\"", "D120 "},
      {"s.\"process.parent.name\" = \"nginx\"\ncondition = \"s\"", ""},
      {"s.\"user.id\" = 0\ncondition = \"s\"", ""},
      {"s.\"process.thread.name\" = \"x\"\ncondition = \"s\"", "D120 "},
      {"s.\"process.executable|exists\" = true\ns.\"process.command_line\" = \"x\"\ncondition = \"s\"",
       "D120 "},
      {"s.\"process.executable|null\" = false\ncondition = \"s\"", "D120 "},
  }));
  CAPTURE(detection);
  Compiled c = compile(rule(
      0, "on = \"exec\"\nresponse = { action = \"kill\" }\n[rule.detection]\n" + std::string(detection)));
  CHECK(c.codes() == codes);
}

TEST_CASE("a response where nothing can be done is refused", "[rule_set]") {
  const std::string detection = "[rule.detection]\ns.\"process.executable\" = \"/x\"\ncondition = \"s\"";
  CHECK(compile(rule(0, "on = \"end\"\nresponse = { action = \"kill\" }\n" + detection)).codes() == "D121 ");
  CHECK(compile(rule(0, "on = \"exec\"\nresponse = { action = \"deny\" }\n" + detection)).codes() == "D122 ");
}

TEST_CASE("the digest follows the meaning, not the prose", "[rule_set]") {
  const auto digest = [](const std::string& toml) { return hex(compile(toml).rules->digest()); };
  const std::string base = digest(rule(0, "on = \"exec\"\n" + kSimple));
  CHECK(digest(rule(0, "description = \"d\"\non = \"exec\"\n" + kSimple)) == base);
  CHECK(digest(rule(0, "on = \"exec\"\n" + kSimple +
                           "\n[[rule.test]]\nname = \"n\"\nmatch = true\nevent.process.name = \"sh\"")) ==
        base);
  CHECK(digest(rule(0, "on = \"end\"\n" + kSimple)) != base);
  CHECK(digest(rule(1, "on = \"exec\"\n" + kSimple)) != base);
  CHECK(digest(rule(0, "on = \"exec\"\n[rule.detection]\ns.\"process.name\" = \"ash\"\ncondition = \"s\"")) !=
        base);
  CHECK(digest(rule(0, "on = \"exec\"\n" + kSimple) + rule(1, "on = \"exec\"\n" + kSimple)) ==
        digest(rule(1, "on = \"exec\"\n" + kSimple) + rule(0, "on = \"exec\"\n" + kSimple)));
}

TEST_CASE("a rule whose condition explodes is refused", "[rule_set]") {
  std::string values = "s = [";
  for (int i = 0; i < 400; ++i) values += "{\"process.name\" = \"n" + std::to_string(i) + "\"}, ";
  std::string condition = "s";
  for (int i = 0; i < 400; ++i) condition += " or s";
  Compiled c =
      compile(rule(0, "on = \"exec\"\n[rule.detection]\n" + values + "]\ncondition = \"" + condition + "\""));
  CHECK(c.codes() == "D054 ");
  CHECK(c.rules->rules().empty());
}

TEST_CASE("hits and their ids do not depend on the other rules", "[rule_set]") {
  const std::string other =
      "[rule.detection]\nr.\"process.command_line|contains\" = \"x\"\ncondition = \"not r\"";
  const std::string one = rule(0, "on = \"exec\"\n" + kSimple);
  const std::string two = rule(1, "on = \"exec\"\n" + other);
  const auto hits_of = [](const std::string& toml) {
    const Compiled c = compile(toml);
    Engine engine(c.rules, {});
    Matcher matcher(*c.rules);
    std::string ids;
    for (const char* name : {"sh", "bash", "sh"}) {
      Event event;
      event.clear(c.rules->schema().size());
      event.set_text(process_field(Leaf::kName), name);
      std::vector<Event> ready;
      engine.observe(event, ready);
      engine.flush(ready);
      for (const Event& judged : ready) {
        std::vector<uint32_t> held;
        std::vector<Hit> hits;
        engine.match(judged, matcher, held);
        engine.conclude(judged, held, hits);
        for (const Hit& hit : hits) {
          if (hit.rule->id == kIds[0]) ids += to_string(hit.id) + " ";
        }
      }
    }
    return ids;
  };
  const std::string ids = hits_of(one);
  CHECK(ids.size() == 2 * 33);
  CHECK(ids.substr(0, 32) != ids.substr(33, 32));  // equal events are told apart
  CHECK(hits_of(two + one) == ids);
}

}  // namespace detectd
