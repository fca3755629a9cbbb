#include "engine/pattern.h"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

#include "engine/text_fold.h"
#include "engine/utf8.h"

using namespace detectd;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
  return Pattern(SigmaString::parse(pattern), false).matches(folded(text));
}

bool matches_cased(std::string_view pattern, std::string_view text) {
  return Pattern(SigmaString::parse(pattern), true).matches(text);
}

std::string canonical(std::string_view pattern) {
  return Pattern(SigmaString::parse(pattern), false).canonical();
}

// The textbook's way, to compare with.
bool matches_slowly(const std::vector<SigmaString::Part>& parts, size_t part, std::string_view text) {
  using Kind = SigmaString::Kind;
  if (part == parts.size()) return text.empty();
  switch (parts[part].kind) {
    case Kind::kLiteral:
      return text.starts_with(parts[part].text) &&
             matches_slowly(parts, part + 1, text.substr(parts[part].text.size()));
    case Kind::kMany:
      for (size_t skip = 0; skip <= text.size(); ++skip) {
        if (matches_slowly(parts, part + 1, text.substr(skip))) return true;
      }
      return false;
    case Kind::kOne:
      return !text.empty() && matches_slowly(parts, part + 1, text.substr(code_point_size(text)));
    case Kind::kDash:
      for (const std::string_view dash : {"-", "/", "\u2013", "\u2014", "\u2015"}) {
        if (text.starts_with(dash) && matches_slowly(parts, part + 1, text.substr(dash.size()))) return true;
      }
      return false;
  }
  return false;
}

}  // namespace

TEST_CASE("a pattern matches the whole value, wildcards and escapes as Sigma has them", "[pattern]") {
  struct Case {
    const char* pattern;
    const char* text;
    bool want;
  };
  const Case cases[] = {
      {"RoOt", "root", true},
      {"RoOt", "roots", false},
      {"cat", "concat", false},
      {"", "", true},
      {"", "x", false},
      {"a*c", "ac", true},
      {"a*c", "abbc", true},
      {"a*c", "abcd", false},
      {"a*a", "a", false},
      {"a*a", "aa", true},
      {"a?c", "abc", true},
      {"a?c", "ac", false},
      {"a?c", "abbc", false},
      {"a?c", "a\u00e9c", true},
      {"a?c", "a\U0001F600c", true},
      {"a??c", "a\u00e9c", false},
      {"*a*b?d*", "xxaYYbcdZZ", true},
      {"*a*b?d*", "xxaYYbdZZ", false},
      {"a*b", "a\nb", true},
      {"*rm \\*.log*", "rm *.log", true},
      {"*rm \\*.log*", "rm x.log", false},
      {"a\\?b", "a?b", true},
      {"a\\?b", "axb", false},
      {"C:\\\\*", "C:\\x", true},
      {"C:\\\\*", "C:x", false},
      {"a\\\\\\*", "a\\*", true},
      {"a\\\\\\*", "a\\b", false},
      {"a\\nb", "a\\nb", true},
      {"a\\nb", "a\nb", false},
      {"a\\\\b", "a\\b", true},
      {"a\\\\b", "a\\\\b", false},
      {"a\\\\\\\\b", "a\\\\b", true},
      {"*\\Temp\\", "C:\\Temp\\", true},
      {"*.b[c](d)+$^|{", "a.b[c](d)+$^|{", true},
      {"50%_x", "50zzyx", false},
      {"*", "", true},
      {"*", "x", true},
      {"**", "", true},
      {"?*", "", false},
      {"*?", "x", true},
      {"*??*", "x", false},
      {"*?*?*", "xy", true},
      {"?", "\u6f22", true},
      {"??", "\u6f22", false},
      {"*ab", "aab", true},
      {"*ab*ab", "ab", false},
      {"*ab*ab", "abab", true},
      {"ab*ab", "abab", true},
      {"ab*ab", "aab", false},
      {"*?b", "b", false},
      {"*?b", "ab", true},
      {"*a?", "aa", true},
      {"*a?", "a", false},
      {"*aab?c*", "aaaabxc", true},
      {"*?aab*", "aab", false},
      {"*?aab*", "aabxaab", true},
      {"*\u00c4RGER*", "viel \u00e4rger", true},
      {"\u212a", "k", true},
      {"\u017f*", "SSH", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern, c.text);
    CHECK(matches(c.pattern, c.text) == c.want);
  }
  CHECK(matches_cased("*Ab*", "xAbx"));
  CHECK_FALSE(matches_cased("*Ab*", "xabx"));
}

TEST_CASE("patterns agree with the textbook's way on random texts", "[pattern]") {
  std::mt19937 random(1);
  const std::vector<std::string> pieces = {"a", "b", "ab", "*", "?", "\u00e9", "-", " "};
  const std::vector<std::string> letters = {"a", "b", "\u00e9", "/", "\u2013", " ", "-"};
  for (int round = 0; round < 20000; ++round) {
    std::string written, text;
    for (size_t n = random() % 7; n > 0; --n) written += pieces[random() % pieces.size()];
    for (size_t n = random() % 9; n > 0; --n) text += letters[random() % letters.size()];
    const SigmaString string =
        random() % 2 == 0 ? SigmaString::parse(written) : SigmaString::parse(written).with_dashes();
    const bool want = matches_slowly(string.parts(), 0, text);
    if (Pattern(string, true).matches(text) != want) FAIL("'" << written << "' on '" << text << "'");
  }
  SUCCEED();
}

TEST_CASE("patterns that mean the same read the same", "[pattern]") {
  CHECK(canonical("RoOt") == "root");
  CHECK(canonical("a**b") == "a*b");
  CHECK(canonical("a*?*?b") == "a??*b");
  CHECK(canonical("*?x") == canonical("?*x"));
  CHECK(canonical("a\\nb") == canonical("a\\\\nb"));
  CHECK(canonical("\\*") == "\\*");
  CHECK(canonical("\\*") != canonical("*"));
  CHECK(canonical("***") == "*");
  CHECK(Pattern(SigmaString::parse("-x").with_dashes(), false).canonical() == "\\-x");
  CHECK(Pattern(SigmaString::parse("\\-x"), false).canonical() == "\\\\-x");
}

TEST_CASE("the common shapes are found, with the literals that must be there", "[pattern]") {
  using Shape = Pattern::Shape;
  const auto shape = [](const char* text) { return Pattern(SigmaString::parse(text), false).shape(); };
  CHECK(shape("") == Shape::kEqual);
  CHECK(shape("a\\*") == Shape::kEqual);
  CHECK(shape("a*") == Shape::kPrefix);
  CHECK(shape("*a") == Shape::kSuffix);
  CHECK(shape("**a*") == Shape::kContains);
  CHECK(shape("*") == Shape::kAny);
  CHECK(shape("?") == Shape::kGeneral);
  CHECK(shape("a*b") == Shape::kGeneral);
}

TEST_CASE("the literals of a pattern are in every text that matches it", "[pattern]") {
  CHECK(Pattern(SigmaString::parse("*AB?cd*e"), false).literals() ==
        std::vector<std::string>{"ab", "cd", "e"});
  CHECK(Pattern(SigmaString::parse("*AB*"), true).literals() == std::vector<std::string>{"AB"});
  CHECK(Pattern(SigmaString::parse("*"), false).literals().empty());
}

TEST_CASE("a pattern's key is in every text that matches it", "[pattern]") {
  using Kind = TextKey::Kind;
  const auto key = [](const char* text) { return Pattern(SigmaString::parse(text), false).key(); };
  CHECK(key("SH") == TextKey{Kind::kWhole, "sh"});
  CHECK(key("*/SH") == TextKey{Kind::kLastPart, "/sh"});
  CHECK(key("*\\sh.exe") == TextKey{Kind::kLastPart, "\\sh.exe"});
  CHECK(key("*/bin/sh") == TextKey{Kind::kWithin, "/bin/sh"});
  CHECK(key("*AB*") == TextKey{Kind::kWithin, "ab"});
  CHECK(key("ab*") == TextKey{Kind::kWithin, "ab"});
  // The rarer of two.
  CHECK(key("*/usr/bin*qzx7?b") == TextKey{Kind::kWithin, "qzx7"});
  CHECK(key("*") == std::nullopt);
  CHECK(key("?*") == std::nullopt);
}

TEST_CASE("windash changes only what starts a flag", "[pattern]") {
  const auto dashed = [](const char* text) {
    return Pattern(SigmaString::parse(text).with_dashes(), false).canonical();
  };
  CHECK(dashed(" -enc") == " \\-enc");
  CHECK(dashed("-a /b") == "\\-a \\-b");
  CHECK(dashed(" -no-profile") == " \\-no-profile");
  CHECK(dashed("--x") == "-\\-x");
  CHECK(dashed("a - b") == "a - b");
  CHECK(dashed("x*-y") == "x*\\-y");
  CHECK(dashed("-") == "-");
  CHECK(dashed("-\u00e9") == "\\-\u00e9");
  CHECK(dashed("\u00e9-x") == "\u00e9-x");
  CHECK(SigmaString::parse("-a -b").with_dashes().without_dashes(25).size() == 25);
  CHECK(SigmaString::parse("-a -b").with_dashes().without_dashes(24).empty());
}

TEST_CASE("TRUST 27: a star crosses what a dot does not", "[pattern]") {
  CHECK(matches("*curl*|*sh*", "curl x\n| sh"));
}

TEST_CASE("a literal is found wherever it stands in a text, and only there", "[pattern]") {
  for (size_t size = 1; size <= 70; ++size) {
    const std::string what = 'x' + std::string(size - 1, 'y');
    const Pattern pattern(SigmaString::parse('*' + what + '*'), true);
    const Pattern near_miss(SigmaString::parse('*' + what + "z*"), true);
    for (size_t before = 0; before < 40; ++before) {
      const std::string text = std::string(before, 'x') + what + std::string(70 - before, 'y');
      if (!pattern.matches(text) || near_miss.matches(text)) FAIL(size << " bytes behind " << before);
    }
  }
  SUCCEED();
}

TEST_CASE("hostile texts cost a pattern no more than their size times its own", "[pattern]") {
  const std::string text(1 << 17, 'a');
  std::string stars;
  for (int i = 0; i < 50; ++i) stars += "*a?a";
  CHECK(matches(stars + "*", text));
  CHECK_FALSE(matches(stars + "b*", text));
  CHECK_FALSE(matches("*aaaaaaaaaaaaaaaab*", text));
  CHECK_FALSE(matches("*a?????????b*", text));
  CHECK(matches("*\xff?*", "x\xff\xff"));
}
