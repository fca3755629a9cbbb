#include "engine/reach.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

// `found` + `|` + what stands behind it; `whole` where all of the pattern is there.
std::string shown(const std::optional<Reach>& reach, std::string_view text) {
  if (!reach) return "-";
  return reach->found + (reach->whole ? " whole" : "") + "|" + std::string(text.substr(reach->end));
}

TEST_CASE("a Sigma string is followed into a text until it stops", "[reach]") {
  struct Case {
    const char *pattern, *text, *reach;
    bool cased = false;
  };
  const Case cases[] = {
      {"curl http", "curl -s http", "curl |-s http"},
      {"curl*sh", "curl x | bz",
       "curl*|"
       " x | bz"},
      {"*/sh", "/usr/bin/bash", "/|usr/bin/bash"},
      {"*/sh", "/bin/shx", "/sh whole|x"},
      {"sh", "shell", "sh whole|ell"},
      {"SH", "shell", "SH whole|ell"},
      {"SH", "shell", "-", true},
      {"a?c", "abd", "a?|d"},
      {"*x*", "abc", "-"},
      {"", "abc", "-"},
      {"abc", "", "-"},
      {"\u00c9t\u00e9s", "\u00e9t\u00e9", "\u00c9t\u00e9|"},
      {"\u212Aelvin", "kelly", "\u212Ael|ly"},
      {"*--flag*=*on", "cmd --flag x=off", "--flag*=*o|ff"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.pattern, each.text);
    CHECK(shown(reach_of(SigmaString::parse(each.pattern), each.cased, each.text), each.text) == each.reach);
  }
}

TEST_CASE("a regular expression is followed by its longest beginning that is one", "[reach]") {
  struct Case {
    const char *regex, *text, *reach;
    bool ignore_case = false;
  };
  const Case cases[] = {
      {"curl\\s+http", "run curl  ftp", "curl\\s+|ftp"},
      {"/dev/(?:tcp|udp)/", "cat /dev/tcpx", "/dev/(?:tcp|udp)|x"},
      {"^bash -i", "bash -c", "^bash -|c"},
      {"ab{2}c", "xabbd", "ab{2}|d"},
      {"(unclosed", "unclosed", "-"},
      {"xyz", "abc", "-"},
      {"NC -e", "nc -l", "NC -|l", true},
      {"(?:a|b)c", "bd", "(?:a|b)|d"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.regex, each.text);
    const RegexFlags flags{.ignore_case = each.ignore_case};
    CHECK(shown(reach_of(std::string_view(each.regex), flags, each.text), each.text) == each.reach);
  }
}

TEST_CASE("long patterns and texts are followed in bounded time", "[reach]") {
  const std::string many(20'000, 'a');
  const auto reach = reach_of(SigmaString::parse("*" + many + "b"), false, many + "c");
  REQUIRE(reach);
  CHECK(reach->end == many.size());
  CHECK(reach->found == many);
  const auto regex = reach_of(std::string_view(many), RegexFlags{}, "aaab");
  REQUIRE(regex);
  CHECK(regex->found == "aaa");
}

}  // namespace
}  // namespace detectd
