// Rows of TRUST that concern what rules are made of: obfuscated commands, and regexes that are too dear.
#include <catch2/catch.hpp>
#include <string>

#include "engine/matcher.h"
#include "engine/regex.h"
#include "engine/rule_parser.h"
#include "engine/rule_set.h"
#include "tests/support/stream.h"

namespace detectd {
namespace {

std::string rule(int number, const std::string& item) {
  const std::string digits = std::to_string(1000 + number);
  return "[[rule]]\nid = \"00000000-0000-4000-8000-00000000" + digits + "\"\nname = \"r" +
         std::to_string(number) + "\"\ntitle = \"t\"\nlevel = \"low\"\non = \"exec\"\n[rule.detection]\ns." +
         item + "\ncondition = \"s\"\n";
}

}  // namespace

TEST_CASE("TRUST 30: whatever the shell was given, the exec of the tool is found", "[semantics]") {
  testing::Stream stream(rule(1, "\"process.command_line|re|s\" = '^\\S*zzslp\\s+0\\.2$'"));
  // What the shell is told, and the exec that comes of it.
  const char* const kTold[] = {R"(/tmp/zz''slp   0.2)", R"(/tmp/zzs\\lp${IFS}0.2)", R"(X=slp; /tmp/zz$X 0.2)",
                               R"(eval $(echo L3RtcC96enNscCAwLjI= | base64 -d))"};
  int second = 0;
  for (const char* told : kTold) {
    CAPTURE(told);
    const std::string shell =
        R"("process":{"pid":7,"name":"bash","args":["bash","-c",")" + std::string(told) + R"("]})";
    CHECK(stream.exec(second++, shell).empty());
    CHECK(stream.exec(second++, R"("process":{"pid":8,"name":"zzslp","args":["/tmp/zzslp","0.2"]})").size() ==
          1);
  }
}

TEST_CASE("TRUST 76: a regex that is too large is refused where it stands, and takes no other rule with it",
          "[semantics]") {
  std::string text;
  for (int number = 0; number < 500; ++number) {
    const bool too_large = number == 250;
    text += rule(number, "\"process.command_line|re\" = '" +
                             (too_large ? std::string("(?:\\p{L}{1000}){500}")
                                        : "(?:[a-f]{40}\\d+){5}x" + std::to_string(number)) +
                             "'");
  }
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"many.toml", text}), document, diagnostics);
  check_document(document, diagnostics);
  const auto rules = RuleSet::compile(document, diagnostics);
  CHECK(rules->rules().size() == 499);
  REQUIRE(diagnostics.all().size() == 1);
  const Diagnostic& refused = diagnostics.all().front();
  CAPTURE(render(refused));
  CHECK((refused.code == "D032" || refused.code == "D034"));
  CHECK(refused.span.line == 250 * 9 + 8);
}

TEST_CASE("TRUST 75: a regex is asked by itself, once an event, and only where its literal is",
          "[semantics]") {
  constexpr int kRules = 200;
  std::string text;
  std::string every_literal;
  for (int number = 0; number < kRules; ++number) {
    const std::string literal = "stage" + std::to_string(1000 + number);
    text += rule(number, "\"process.command_line|re\" = '" + literal + "(?:[a-f]|.{2})*\\d$'");
    // Another rule that says the same asks nothing more.
    text += rule(number + kRules, "\"process.command_line|re\" = '" + literal + "(?:[a-f]|.{2})*\\d$'");
    every_literal += literal + " ";
  }
  const auto rules = testing::compile_toml(text);
  CHECK(rules->for_kind(EventKind::kExec).unkeyed.empty());
  CHECK(rules->terms().size() == kRules);
  Matcher matcher(*rules);
  std::vector<uint32_t> held;
  const auto asked = [&](const std::string& command_line) {
    const uint64_t before = matcher.terms_evaluated();
    Event event;
    event.clear(rules->schema().size());
    event.set_text(process_field(Leaf::kCommandLine), command_line);
    held.clear();
    matcher.match(event, held);
    return matcher.terms_evaluated() - before;
  };
  CHECK(asked(std::string(4096, 'a')) == 0);
  // All but the last byte of each.
  std::string near = every_literal;
  for (size_t at = 9; at < near.size(); at += 10) near[at - 1] = 'x';
  CHECK(asked(near) == 0);
  CHECK(asked("stage1007 " + std::string(4000, 'a')) == 1);
  CHECK(asked(every_literal + std::string(2000, 'a') + "1") == kRules);
  CHECK(held.size() == 2 * kRules);
}

TEST_CASE("TRUST 75: so many characters or more are counted, as the regex would", "[semantics]") {
  for (const char* const flags : {"re", "re|s", "re|i", "re|m"}) {
    for (const int least : {0, 1, 3, 5}) {
      const std::string pattern = ".{" + std::to_string(least) + ",}";
      const auto rules = testing::compile_toml(
          rule(1, "\"process.command_line|" + std::string(flags) + "\" = '" + pattern + "'"));
      Matcher matcher(*rules);
      const auto compiled = Regex::compile(pattern, {.dot_all = std::string(flags) == "re|s"});
      for (const char* const text :
           {"", "a", "abc", "abcde", "ab\ncd", "\n\n\n", "abc\n", "\nabc\nabcdef", "\xC3\xA4\xC3\xB6\xC3\xBC",
            "\xF0\x9F\x98\x80\xF0\x9F\x98\x80", "a\rbc", "\xE2\x80\xA8x\xE2\x80\xA9"}) {
        CAPTURE(flags, pattern, text);
        Event event;
        event.clear(rules->schema().size());
        event.set_text(process_field(Leaf::kCommandLine), text);
        std::vector<uint32_t> held;
        matcher.match(event, held);
        CHECK(held.size() == (std::get<Regex>(compiled).matches(text) ? 1u : 0u));
      }
    }
  }
}

}  // namespace detectd
