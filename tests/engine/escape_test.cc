#include "engine/escape.h"

#include <simdjson.h>
#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/utf8.h"

using namespace detectd;
using namespace std::string_literals;

namespace {

std::vector<std::string> hostile_strings() {
  return {
      "\x1b[2J\x1b[H"s,
      "\x1b]0;title\x07"s,
      "\x1b]52;c;cm0gLXJmIC8=\x07"s,
      "\x1bP+q544e\x1b\\"s,
      "\x1b[6n"s,
      "\x1b[?1049h"s,
      "\x1b(0lqqk"s,
      "\x1b"
      "c"s,
      "\x1b[31mred\x1b[0m"s,
      "\x1b]8;;http://x\x1b\\y"s,
      "a\nb"s,
      "a\r\nb"s,
      "good\rbad"s,
      "a\tb"s,
      "a\bb\b\b"s,
      "a\vb\f"s,
      "\0hidden"s,
      "bell\a"s,
      "\x7f\x7f"s,
      "\x0e\x0f"s,
      "\xc2\x9b"
      "2J"s,
      "\xc2\x9d"
      "0;x\xc2\x9c"s,
      "\xc2\x85next"s,
      "\xc2\x90q"s,
      "\xc2\xadsoft"s,
      "\xe2\x80\xae"
      "gpj.exe"s,
      "\xe2\x80\xaa\xe2\x80\xab\xe2\x80\xac"s,
      "\xe2\x81\xa6\xe2\x81\xa7\xe2\x81\xa9"s,
      "\xd8\x9c"
      "alm"s,
      "zero\xe2\x80\x8bwidth"s,
      "\xe2\x80\x8c\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f"s,
      "line\xe2\x80\xa8sep\xe2\x80\xa9"s,
      "\xef\xbb\xbf"
      "bom"s,
      "\xe2\x81\xa0\xe2\x81\xaf"s,
      "\xe1\xa0\x8e"s,
      "\xf3\xa0\x81\x81\xf3\xa0\x80\x81\xf3\xa0\x81\xbf"s,
      "\xff\xfe\x80"s,
      "\xc0\xaf\xe0\x80\xaf"s,
      "\xed\xa0\x80\xed\xbf\xbf"s,
      "\xf4\x90\x80\x80 cut \xe2\x82"s,
      "\",\"x\":\"\\"s,
      "%n%s{}${IFS}"s,
  };
}

bool is_harmless(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (point.size == 0) return false;
    const char32_t c = point.value;
    if (c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C || c == 0x180E || c == 0xFEFF)
      return false;
    if ((c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F))
      return false;
    if (c >= 0xE0000 && c <= 0xE007F) return false;
    text.remove_prefix(point.size);
  }
  return true;
}

std::string json_escaped(std::string_view text) {
  std::string out;
  append_json_escaped(text, out);
  return out;
}

std::string json_sanitized(std::string_view json) {
  std::string out;
  append_json_sanitized(json, out);
  return out;
}

std::string parsed_back(const std::string& literal) {
  simdjson::dom::parser parser;
  const std::string document = "[\"" + literal + "\"]";
  std::string_view value;
  REQUIRE(parser.parse(document).at(0).get(value) == simdjson::SUCCESS);
  return std::string(value);
}

std::string replaced(std::string_view text) {
  std::string out;
  replace_invalid_utf8(text, out);
  return out;
}

}  // namespace

TEST_CASE("TRUST 33: no hostile text reaches a terminal as it is", "[escape]") {
  REQUIRE(hostile_strings().size() >= 40);
  for (const std::string& text : hostile_strings()) {
    CAPTURE(escape_text(text));
    CHECK(is_harmless(escape_text(text)));
    CHECK(escape_text(escape_text(text)) == escape_text(text));
  }
}

TEST_CASE("every single code point and byte is harmless once escaped", "[escape]") {
  std::string wrong;
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    std::string text;
    append_utf8(point, text);
    const std::string escaped = escape_text(text);
    if (!is_harmless(escaped) || is_harmless(text) != (escaped == text)) wrong += escaped + ' ';
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::string text(1, static_cast<char>(byte));
    if (!is_harmless(escape_text(text))) wrong += escape_text(text) + ' ';
  }
  CHECK(wrong.empty());
}

TEST_CASE("escapes read as what they stand for", "[escape]") {
  CHECK(escape_text("\x1b[2J") == "\\x1b[2J");
  CHECK(escape_text("a\nb\0"s) == "a\\x0ab\\x00");
  CHECK(escape_text("\xe2\x80\xae"
                    "x") == "\\u{202e}x");
  CHECK(escape_text("\xc2\x9b") == "\\u{9b}");
  CHECK(escape_text("\xf3\xa0\x81\x81") == "\\u{e0041}");
  CHECK(escape_text("\xff"
                    "A") == "\\xffA");
  CHECK(escape_text("C:\\x \"quoted\"") == "C:\\x \"quoted\"");
  CHECK(escape_text("\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80") == "\xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80");
  CHECK(escape_text("") == "");
}

TEST_CASE("TRUST 34: a text in a JSON string stays one line and reads back", "[escape]") {
  for (const std::string& text : hostile_strings()) {
    const std::string literal = json_escaped(text);
    CAPTURE(literal);
    CHECK(is_harmless(literal));
    CHECK(parsed_back(literal) == replaced(text));
  }
}

TEST_CASE("a captured line is made safe to show without changing what it says", "[escape]") {
  for (const std::string& text : hostile_strings()) {
    // As a lenient writer would: only what JSON demands is escaped.
    std::string raw;
    for (const char c : replaced(text)) {
      if (c == '"' || c == '\\') raw += '\\';
      if (static_cast<uint8_t>(c) < 0x20) {
        raw += "\\u00";
        raw += "01"[static_cast<uint8_t>(c) >> 4];
        raw += "0123456789abcdef"[c & 15];
      } else {
        raw += c;
      }
    }
    const std::string document = "{\"a\": \"" + raw + "\",\t\"b\":[1,\"\\\\\",null]}";
    const std::string safe = json_sanitized(document);
    CAPTURE(safe);
    CHECK(is_harmless(safe));
    simdjson::dom::parser first, second;
    CHECK(simdjson::minify(first.parse(document)) == simdjson::minify(second.parse(safe)));
  }
}

TEST_CASE("sanitizing leaves the rest of a document alone", "[escape]") {
  CHECK(json_sanitized(R"({"a":"x\n\"\u202e","b":1.50,"c":[true, null]})") ==
        R"({"a":"x\n\"\u202e","b":1.50,"c":[true, null]})");
  CHECK(json_sanitized("[\"\x7f\",\r\n\"\xc2\x9b\"]") == "[\"\\u007f\",  \"\\u009b\"]");
  CHECK(json_sanitized("[\"\xf3\xa0\x81\x81\"]") == "[\"\\udb40\\udc41\"]");
}

TEST_CASE("an invalid byte is one U+FFFD, each for itself", "[escape]") {
  struct Case {
    std::string in, want;
    size_t count;
  };
  const std::string bad = "\xEF\xBF\xBD";
  const Case cases[] = {
      {"plain \xc3\xa4", "plain \xc3\xa4", 0},
      {"curl \xff | sh", "curl " + bad + " | sh", 1},
      {"\xe2\x82", bad + bad, 2},
      {"\xc0\xaf", bad + bad, 2},
      {"\xed\xa0\x80", bad + bad + bad, 3},
      {"\xf4\x90\x80\x80", bad + bad + bad + bad, 4},
      {"\xe2\x82\xac\x80", "\xe2\x82\xac" + bad, 1},
      {"", "", 0},
  };
  for (const Case& c : cases) {
    std::string out = "left over";
    CHECK(replace_invalid_utf8(c.in, out) == c.count);
    CHECK(out == c.want);
  }
}

TEST_CASE("the width of a text is its columns on a terminal", "[escape]") {
  CHECK(display_width("") == 0);
  CHECK(display_width("abc") == 3);
  CHECK(display_width("\\x1b[2J") == 7);
  CHECK(display_width("\xc3\xa4") == 1);
  CHECK(display_width("\xe6\xbc\xa2\xe5\xad\x97") == 4);
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);
  CHECK(display_width("e\xcc\x81") == 1);
  CHECK(display_width("\xff") == 1);
}
