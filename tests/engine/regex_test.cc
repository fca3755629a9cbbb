#include "engine/regex.h"

#include <re2/re2.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "engine/escape.h"
#include "engine/text_fold.h"
#include "engine/utf8.h"

using namespace detectd;

namespace {

bool matches(std::string_view pattern, std::string_view text, const RegexFlags& flags = {}) {
  const auto regex = Regex::compile(pattern, flags);
  REQUIRE(std::holds_alternative<Regex>(regex));
  return std::get<Regex>(regex).matches(text);
}

// `D030 1+1 message`: code, offset + length, message; or "fine".
std::string refusal(std::string_view pattern, const RegexFlags& flags = {}) {
  const auto regex = Regex::compile(pattern, flags);
  if (std::holds_alternative<Regex>(regex)) return "fine";
  const RegexError& error = std::get<RegexError>(regex);
  return error.code + ' ' + std::to_string(error.offset) + '+' + std::to_string(error.length) + ' ' +
         error.message;
}

bool matches_every_text(std::string_view pattern, const RegexFlags& flags = {}) {
  return std::get<Regex>(Regex::compile(pattern, flags)).matches_every_text();
}

}  // namespace

TEST_CASE("a regex tells where it matches, from a place on", "[regex]") {
  const auto regex = Regex::compile("pass=\\S+|^x", {});
  const auto find = [&](std::string_view text, size_t from) -> std::string {
    const std::optional<RegexMatch> match = std::get<Regex>(regex).find(text, from);
    return match ? std::to_string(match->offset) + "+" + std::to_string(match->length) : "none";
  };
  CHECK(find("a pass=1 pass=22", 0) == "2+6");
  CHECK(find("a pass=1 pass=22", 3) == "9+7");
  CHECK(find("a pass=1 pass=22", 16) == "none");
  CHECK(find("a pass=1 pass=22", 17) == "none");
  CHECK(find("xx", 0) == "0+1");
  CHECK(find("xx", 1) == "none");
  CHECK(find("", 0) == "none");
}

TEST_CASE("a regex is searched for, with case, and its flags are those of Sigma", "[regex]") {
  CHECK(matches("b+c", "abbcd"));
  CHECK_FALSE(matches("b+c", "ac"));
  CHECK_FALSE(matches("Abc", "xabc"));
  CHECK(matches("Abc", "xABC", {.ignore_case = true}));
  CHECK(matches("(?i)abc", "xABC"));
  CHECK(matches("^ab$", "ab"));
  CHECK_FALSE(matches("^ab$", "x\nab"));
  CHECK_FALSE(matches("^ab$", "ab\n"));
  CHECK(matches("^ab$", "x\nab\ny", {.multi_line = true}));
  CHECK(matches("a\\*b\\\\c\\d", "a*b\\c7"));
  CHECK(matches("", "x"));
  CHECK(matches("^.$", "\u6f22"));
}

TEST_CASE("TRUST 27: a newline defeats `.` unless the pattern says `s`", "[regex]") {
  CHECK_FALSE(matches("curl.*sh", "curl x\n| sh"));
  CHECK(matches("curl.*sh", "curl x\n| sh", {.dot_all = true}));
  CHECK(matches("^a.b$", "x\na\nb", {.multi_line = true, .dot_all = true}));
}

TEST_CASE("TRUST 28: an invalid UTF-8 byte does not hide what stands around it", "[regex]") {
  std::string text;
  REQUIRE(replace_invalid_utf8("curl \xff | sh", text) == 1);
  CHECK(matches("curl.*sh", text));
  CHECK_FALSE(matches("curl.*sh", "curl \xff | sh"));  // why the byte has to go before
}

TEST_CASE("Bad input 22 to 25: a refused regex says what is wrong, and where in it", "[regex]") {
  struct Case {
    const char* pattern;
    const char* want;
  };
  const Case cases[] = {
      {"a(b", "D030 1+1 `(` is not closed"},
      {"\\((a[(]b)(c", "D030 9+1 `(` is not closed"},
      {"(\\Q(\\E", "D030 0+1 `(` is not closed"},
      {"a[](]b(", "D030 6+1 `(` is not closed"},
      {"a)b", "D030 1+1 `)` closes nothing"},
      {"x[a-", "D030 1+1 `[` is not closed"},
      {"ab\\", "D030 2+1 a backslash at the end escapes nothing"},
      {"a\xff", "D030 1+1 pattern is not valid UTF-8"},
      {"(?<=x)y", "D031 0+3 look-behind is not supported (matching takes linear time)"},
      {"[(?<]x(?<!x)y", "D031 6+3 look-behind is not supported (matching takes linear time)"},
      {"a(?!x)", "D031 1+3 look-ahead is not supported (matching takes linear time)"},
      {"(\\w+)\\1", "D031 5+2 back-references are not supported (matching takes linear time)"},
      {"\\\\1(\\w+)\\1", "D031 8+2 back-references are not supported (matching takes linear time)"},
      {"(?P<n>a)(?P=n)", "D031 8+3 back-references are not supported (matching takes linear time)"},
      {"\\k<n>", "D031 0+2 back-references are not supported (matching takes linear time)"},
      {"ab++", "D031 2+2 the possessive repeat `++` is not supported"},
      {"(?>a)", "D031 0+3 atomic groups are not supported"},
      {"a{1001}", "D032 1+6 repeat limit is 1000, nested repeats multiplied"},
      {"a{3}(a{500}){3}", "D032 12+3 repeat limit is 1000, nested repeats multiplied"},
      {"a{2,1}", "D030 1+5 the repeat {2,1} ends before it begins"},
      {"a**", "D030 1+2 two repeats in a row: `**`"},
      {"a|*", "D030 2+1 `*` repeats nothing"},
      {"[a][z-a]", "D030 4+3 the range `z-a` ends before it begins"},
      {"[[:foo:]]", "D030 1+7 unknown class `[:foo:]`"},
      {"\\p{Foo}", "D030 0+7 unknown Unicode class `\\p{Foo}`"},
      {"a\\Z", "D030 1+2 unknown escape `\\Z`"},
      {"(?<n>a)", "D030 0+3 a named group is written `(?P<name>`"},
      {"(?i)a(?x)b", "D030 5+3 unknown kind of group `(?x`"},
      {"(?i", "D030 0+3 the flags of a group are not closed"},
      {"(?P<n", "D030 0+5 invalid named capture group: (?P<n"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.pattern);
    CHECK(refusal(c.pattern) == c.want);
    CHECK(refusal(c.pattern, {.ignore_case = true, .multi_line = true, .dot_all = true}) == c.want);
  }
}

TEST_CASE("Bad input 23 and 24: refusals come with a way out", "[regex]") {
  const auto help = [](const char* pattern) {
    return std::get<RegexError>(Regex::compile(pattern, {})).help;
  };
  CHECK(help("(?<!x)y") ==
        "put what must not be there into a selection of its own and say `and not` in the condition");
  CHECK(help("(a)\\1") == "write out what may be repeated");
  CHECK(help("a(b") == "write `\\(` for the character");
}

TEST_CASE("Bad input 27: a pattern that needs too much memory is refused with its size", "[regex]") {
  CHECK(refusal("(\\pL{100}){10}") == "D034 0+14 pattern needs up to 32 MiB, limit 8 MiB");
  CHECK(refusal("\\pL{999}\\pN{999}\\pL{999}\\pL{999}\\pL{999}") ==
        "D034 0+40 pattern needs more than 64 MiB, limit 8 MiB");
  CHECK(refusal(".{1000,}") == "fine");
}

TEST_CASE("Bad input 26: a pattern that matches every text is found out", "[regex]") {
  for (const char* const pattern : {"", "^", "$", "a*", "(a|)", ".*", "[\\s\\S]*", "x?y?", "\\A"}) {
    CAPTURE(pattern);
    CHECK(matches_every_text(pattern));
  }
  CHECK(matches_every_text("^.*$", {.dot_all = true}));
  for (const char* const pattern :
       {"^.*$", ".+", "a", "^$", "\\b", "[^q]|^$", "\\S|^$|\\s$a", "(?s)^.{0,500}$"}) {
    CAPTURE(pattern);
    CHECK_FALSE(matches_every_text(pattern));
  }
}

namespace {

bool is_code_point(char32_t point) { return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF); }

std::string utf8(char32_t point) {
  std::string text;
  append_utf8(point, text);
  return text;
}

std::string quoted(char32_t point) {
  char text[16];
  std::snprintf(text, sizeof text, "\\x{%x}", static_cast<unsigned>(point));
  return text;
}

}  // namespace

TEST_CASE("what a pattern needs is known where it names ASCII characters", "[regex]") {
  struct Row {
    const char* pattern;
    size_t min_bytes;
    std::vector<std::string> literals;
  };
  const std::vector<Row> rows = {
      {"(?:^|[\\s\"\\x27/])auditctl\\s", 4, {"auditctl"}},
      {"\\x41uditctl", 4, {"auditctl"}},
      {"\\xE9uditctl", 4, {}},
      {"\\x{17f}udo -s", 4, {}},
      {"(?i)SUDO|kill", 4, {"kill", "sudo"}},
      {"/usr/bin/.*/qzx7", 4, {"/qzx7"}},
      {"qzx7a|bqzx7", 4, {"qzx7a", "bqzx7"}},
      {"qzx7(?:a|bc)|qzx7", 4, {"qzx7"}},
      {"(?:zip|7z|nc)\\d", 4, {}},
      {"(?:zip|7z|nc)\\d", 2, {"7z", "nc", "zip"}},
      {"a|bcde", 2, {}},
      {".*", 1, {}},
      {"^\\[[a-z]*", 1, {"["}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.pattern, row.min_bytes);
    auto regex = std::get<Regex>(Regex::compile(row.pattern, {}));
    std::vector<std::string> literals = regex.necessary_literals(row.min_bytes);
    std::sort(literals.begin(), literals.end());
    std::vector<std::string> wanted = row.literals;
    std::sort(wanted.begin(), wanted.end());
    CHECK(literals == wanted);
  }
}

TEST_CASE("folding makes equal what RE2's (?i) takes for equal, and nothing else", "[regex][text_fold]") {
  std::map<char32_t, std::vector<char32_t>> classes;
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (is_code_point(point) && fold_code_point(point) != point)
      classes[fold_code_point(point)].push_back(point);
  }
  std::string all;
  for (const auto& [to, from] : classes) {
    all += utf8(to);
    for (const char32_t point : from) all += utf8(point);
  }
  std::string wrong;
  for (const auto& [to, from] : classes) {
    // Each member is matched, and so nothing but the members is.
    const re2::RE2 re("(?i)" + quoted(to));
    size_t found = 0;
    for (re2::StringPiece rest = all; re2::RE2::FindAndConsume(&rest, re);) ++found;
    bool good = found == from.size() + 1;
    for (const char32_t point : from) good = good && re2::RE2::FullMatch(utf8(point), re);
    if (!good) wrong += quoted(to);
  }
  CHECK(classes.size() > 1300);
  CHECK(wrong == "");
}

TEST_CASE("RE2's (?i) makes no code point equal to another that folding leaves alone", "[regex][text_fold]") {
  std::vector<bool> concerned(0x110000);
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (fold_code_point(point) != point) concerned[point] = concerned[fold_code_point(point)] = true;
  }
  std::string wrong;
  // Planes 0 and 1: above there are no letters with case.
  for (char32_t point = 0; point <= 0x1FFFF; ++point) {
    if (!is_code_point(point) || concerned[point]) continue;
    const re2::RE2 re("(?i)^" + quoted(point));
    std::string least, greatest;
    if (!re.PossibleMatchRange(&least, &greatest, 8) || !least.starts_with(utf8(point)) ||
        !greatest.starts_with(utf8(point))) {
      wrong += quoted(point);
    }
  }
  CHECK(wrong == "");
}
