#include "engine/text_fold.h"

#include <catch2/catch.hpp>

#include <string>

#include "engine/utf8.h"

using namespace detectd;

TEST_CASE("folding makes texts equal that differ only in case", "[text_fold]") {
  struct Case {
    const char* in;
    const char* want;
  };
  const Case cases[] = {
      {"", ""},
      {"already lower 09_-", "already lower 09_-"},
      {"RoOt@[`{Z", "root@[`{z"},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"},
      {"\xc3\x84RGER", "\xc3\xa4rger"},  // Ä
      {"\xc5\xbf", "s"},                 // long s
      {"\xe2\x84\xaa"
       "elvin",
       "kelvin"},                                // Kelvin sign
      {"\xc4\xb0\xc4\xb1", "\xc4\xb0\xc4\xb1"},  // Turkish dotted and dotless i
      {"\xe1\xba\x9e", "\xc3\x9f"},              // capital sharp s
      {"\xc8\xba", "\xe2\xb1\xa5"},              // grows from 2 to 3 bytes
      {"\xf0\x90\x90\x80", "\xf0\x90\x90\xa8"},  // Deseret
      {"\xe6\xbc\xa2", "\xe6\xbc\xa2"},
      {"A\xff\xfe"
       "B",
       "a\xff\xfe"
       "b"},
      {"cut \xe2\x84", "cut \xe2\x84"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.in);
    CHECK(folded(c.in) == c.want);
    CHECK(folded(folded(c.in)) == c.want);
  }
}

TEST_CASE("folding gives the same at every place in a text", "[text_fold]") {
  for (size_t before = 0; before < 20; ++before) {
    for (const char* const text : {"Z", "\xc3\x84", "\xc8\xba", "\xff"}) {
      const std::string a(before, 'A'), lower(before, 'a');
      CHECK(folded(a + text + a) == lower + folded(text) + lower);
      CHECK(is_folded_ascii(lower + "z" + lower));
      CHECK_FALSE(is_folded_ascii(lower + text + lower));
    }
  }
}

TEST_CASE("every ASCII byte is folded as by itself, also eight at a time", "[text_fold]") {
  for (int c = 0; c < 128; ++c) {
    const std::string eight(8, static_cast<char>(c));
    const char want = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
    CHECK(folded(eight) == std::string(8, want));
    CHECK(is_folded_ascii(eight) == (want == static_cast<char>(c)));
  }
}

TEST_CASE("no text outgrows the room that folding asks for", "[text_fold]") {
  size_t too_long = 0;
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    std::string text;
    append_utf8(point, text);
    if (folded(text).size() > max_folded_size(text.size())) ++too_long;
  }
  CHECK(too_long == 0);
}
