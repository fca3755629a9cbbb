// Rows of TRUST that concern what rules are made of: obfuscated commands, and regexes that are too dear.
#include <catch2/catch.hpp>
#include <string>

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

}  // namespace detectd
