#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include "engine/item.h"
#include "tests/support/items.h"

using namespace detectd;
using namespace detectd::test;

namespace {

// The mistake that `"key" = 'value'` makes: `D036 7+2 message`, the place in columns of that line. The
// value stands in single quotes unless it is TOML's by itself.
std::string mistake_of(const std::string& key, const std::string& value, std::vector<Scalar> scalars) {
  ItemBench bench;
  bench.define_list("shells", {scalar("sh"), scalar("bash")});
  bench.define_list("many", std::vector<Scalar>(101, scalar("x")));
  const std::string line = '"' + key + "\" = " + value;
  bench.file = std::make_shared<const SourceFile>(SourceFile{"x.toml", line + "\n"});
  Item item = make_item(key, std::move(scalars));
  const auto columns = [](const std::string& text) { return static_cast<uint32_t>(text.size()); };
  item.span = {.line = 1, .column = 1, .length = columns(key) + 2};
  for (Scalar& scalar : item.values) {
    scalar.span = {.line = 1, .column = columns(key) + 6, .length = columns(value)};
  }
  if (bench.compile(item)) return "fine";
  REQUIRE(bench.diagnostics.errors() == 1);
  const Diagnostic& d = bench.diagnostics.all().front();
  return d.code + ' ' + std::to_string(d.span.column) + '+' + std::to_string(d.span.length) + ' ' +
         d.message + (d.help.empty() ? "" : " => " + d.help);
}

std::string mistake_of(const std::string& key, const char* value) {
  return mistake_of(key, '\'' + std::string(value) + '\'', {scalar(value)});
}
std::string mistake_of(const std::string& key, int value) {
  return mistake_of(key, std::to_string(value), {scalar(value)});
}
std::string mistake_of(const std::string& key, bool value) {
  return mistake_of(key, value ? "true" : "false", {scalar(value)});
}

}  // namespace

TEST_CASE("modifiers that can not be are refused, with their place in the key", "[item]") {
  struct Case {
    const char* key;
    const char* want;
  };
  const Case cases[] = {
      {"f|containts", "D035 4+9 unknown modifier `containts` => did you mean `contains`?"},
      {"f|cased|xyzzyx", "D035 10+6 unknown modifier `xyzzyx` => detectd-rules(5) lists the modifiers"},
      {"f|", "D035 4+1 unknown modifier `` => detectd-rules(5) lists the modifiers"},
      {"f|contains|re", "D036 13+2 `re` must be the first modifier => write `re|contains`"},
      {"f|re|contains", "D036 7+8 `re` and `contains` do not go together => make two items of it"},
      {"f|i", "D036 4+1 `i` stands only after `re` => write `re|i`"},
      {"f|contains|lt", "D036 13+2 `contains` and `lt` do not go together => make two items of it"},
      {"f|gt|lt", "D036 7+2 `gt` and `lt` do not go together => make two items of it"},
      {"f|contains|endswith",
       "D036 13+8 `contains` and `endswith` do not go together => make two items of it"},
      {"f|contains|contains", "D036 13+8 modifier `contains` stands twice => leave one out"},
      {"f|all|all", "D036 8+3 modifier `all` stands twice => leave one out"},
      {"f|cidr|cased", "D036 9+5 `cidr` and `cased` do not go together => make two items of it"},
      {"f|exists|neq",
       "D036 11+3 `exists` and `neq` do not go together => `exists` stands alone: `\"field|exists\" = "
       "false`"},
      {"f|fieldref|windash", "D036 13+7 `fieldref` and `windash` do not go together => make two items of it"},
      {"f|re|expand", "D036 7+6 `re` and `expand` do not go together => make two items of it"},
      {"|cidr", "D036 3+4 `cidr` needs a field => a keyword is searched for anywhere in the event's values"},
      {"|startswith",
       "D036 3+10 `startswith` needs a field => a keyword is searched for anywhere in the event's values"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.key);
    CHECK(mistake_of(c.key, "x") == c.want);
  }
}

TEST_CASE("values that can not be are refused, with their place", "[item]") {
  const std::string exists =
      "`exists` takes true or false => write `|exists\" = true`, without quotes round true";
  CHECK(mistake_of("f|exists", "yes") == "D037 14+5 " + exists);
  CHECK(mistake_of("f|exists", 1) == "D037 14+1 " + exists);
  CHECK(mistake_of("f|gte", "10") == "D037 11+4 a comparison needs a number => write it without quotes");
  CHECK(mistake_of("f|gte", true) == "D037 11+4 a comparison needs a number");
  CHECK(mistake_of("f|fieldref", 5) == "D037 16+1 `fieldref` takes the name of a field => in quotes");
  CHECK(mistake_of("f|cidr", "10.0.0.0/33") == "D039 12+13 the prefix of a network is a number from 0 to 32");
  CHECK(mistake_of("f|cidr", "10.0.0.0/") == "D039 12+11 the prefix of a network is a number from 0 to 32");
  CHECK(mistake_of("f|cidr", "10.1.2.3/8") ==
        "D039 12+12 the address has bits beyond the prefix => the network is `10.0.0.0/8`");
  CHECK(mistake_of("f|cidr", "host") == "D039 12+6 not a network => as `10.0.0.0/8` or `fe80::/10`");
  CHECK(mistake_of("f|cidr", 10) == "D039 12+2 not a network => as `\"10.0.0.0/8\"` or `\"fe80::/10\"`");
  CHECK(mistake_of("f|base64", "a*b") ==
        "D041 14+5 a wildcard can not be encoded in base64 => write `\\*` or `\\?` for the character");
  CHECK(mistake_of("f|base64offset|contains", "a") ==
        "D041 29+3 the value is too short for base64 => two bytes or more");
  CHECK(mistake_of("@timestamp|hour", 24) == "D042 21+2 `hour` is a number from 0 to 23");
  CHECK(mistake_of("@timestamp|month", "5") ==
        "D042 22+3 `month` is a number from 1 to 12 => write it without quotes");
  CHECK(mistake_of("process.pid|hour", 3) ==
        "D042 1+18 `process.pid` is no time => `hour` is for times, as `@timestamp`");
  CHECK(mistake_of("@timestamp|gte", 3) ==
        "D042 1+16 `@timestamp` is no number => compare a part of the time: `|hour|gte`");
  CHECK(mistake_of("f", "[]", {}) ==
        "D044 1+3 an empty list matches nothing => for an absent field write `|null\" = true`");
  CHECK(mistake_of("f|contains", "null", {null_scalar()}) ==
        "D037 16+4 null has no text to compare => for an absent field write `|null\" = true`");
}

TEST_CASE("placeholders need a list", "[item]") {
  CHECK(mistake_of("f|expand", "%shells%") == "fine");
  CHECK(mistake_of("f|expand", "a%shels%") == "D038 16+7 no list `shels` => did you mean `shells`?");
  CHECK(mistake_of("f|expand", "%shells% 50%") ==
        "D038 26+1 a `%` without a placeholder => with `expand`, write `%list%`");
  CHECK(mistake_of("f|expand", "%%") ==
        "D038 15+1 a `%` without a placeholder => with `expand`, write `%list%`");
  CHECK(mistake_of("f|expand", "x") ==
        "D038 14+3 `expand` needs a placeholder => as `%list%`, with a list of [lists]");
  CHECK(mistake_of("f|expand", "%many%%many%") ==
        "D043 14+14 the value stands for more than 10000 strings => use fewer placeholders or dashes in one "
        "value");
}

TEST_CASE("a value can not stand for more strings than are good", "[item]") {
  CHECK(mistake_of("f|windash|contains", "-a -b -c -d -e -f -g -h") ==
        "fine");  // one pattern, however many dashes
  CHECK(mistake_of("f|windash|base64", "-a -b -c -d -e") == "fine");
  CHECK(mistake_of("f|windash|base64", "-a -b -c -d -e -f").substr(0, 4) == "D043");
  CHECK(mistake_of("f|expand|windash|base64", "%shells% -a -b -c -d -e").substr(0, 4) == "fine");
  CHECK(mistake_of("f|expand|windash|base64", "%many% -a -b -c -d").substr(0, 4) == "D043");
}

TEST_CASE("Bad input 22 to 25, 27: a mistake in a regex is shown inside the pattern", "[item][regex]") {
  CHECK(mistake_of("f|re", "a(b") == "D030 12+1 `(` is not closed => write `\\(` for the character");
  CHECK(mistake_of("f|re|m", "a(b") == "D030 14+1 `(` is not closed => write `\\(` for the character");
  CHECK(mistake_of("f|re", "x(?<=x)y") ==
        "D031 12+3 look-behind is not supported (matching takes linear time) => put what must not be there "
        "into a "
        "selection of its own and say `and not` in the condition");
  CHECK(mistake_of("f|re", "(\\w+)\\1").substr(0, 10) == "D031 16+2 ");
  CHECK(mistake_of("f|re", "a{1001}").substr(0, 10) == "D032 12+6 ");
  CHECK(mistake_of("f|re", "(\\pL{100}){10}").substr(0, 10) == "D034 11+14");
  // In double quotes an escape is one character of the pattern and two of the file.
  CHECK(mistake_of("f|re", "\"\\\\w(\"", {scalar("\\w(")}).substr(0, 9) == "D030 14+1");
}

TEST_CASE("all mistakes of an item's values are told, not just the first", "[item]") {
  ItemBench bench;
  CHECK_FALSE(bench.compile(make_item("f|cidr", {scalar("x"), scalar("10.0.0.0/8"), scalar("y")})));
  CHECK(bench.diagnostics.errors() == 2);
}
