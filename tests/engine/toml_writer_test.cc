#include "engine/toml_writer.h"

#include <catch2/catch.hpp>

using namespace detectd;

namespace {

struct Case {
  std::string in;
  std::string want;
};

}  // namespace

TEST_CASE("a text stands in the quotes that need no escapes", "[toml_writer]") {
  const std::vector<Case> cases = {
      {"", R"("")"},
      {"it's", R"("it's")"},
      {R"(C:\Windows)", R"('C:\Windows')"},
      {R"(say "x")", R"('say "x"')"},
      {R"(it's C:\x)", R"("it's C:\\x")"},
      {"caf\xc3\xa9", "\"caf\xc3\xa9\""},
  };
  for (const auto& [in, want] : cases) CHECK(toml_text(in) == want);
}

TEST_CASE("TRUST 33: what can not be seen is written as an escape", "[toml_writer]") {
  const std::vector<Case> cases = {
      {"a\tb\nc\r", R"("a\tb\nc\r")"},       {"\x1b[2J", R"("\u001b[2J")"},
      {"\xe2\x80\xae", R"("\u202e")"},       {"\xf3\xa0\x81\x81", R"("\U000e0041")"},
      {std::string(1, '\0'), R"("\u0000")"}, {"\xff", "\"\xef\xbf\xbd\""},
  };
  for (const auto& [in, want] : cases) CHECK(toml_text(in) == want);
}

TEST_CASE("a text of several lines keeps them, unless quotes or characters forbid it", "[toml_writer]") {
  const std::vector<Case> cases = {
      {"one", "\"one\""},        {"a\nb", "'''\na\nb'''"}, {"\na\\n\n", "'''\n\na\\n\n'''"},
      {"a\n'''", R"("a\n'''")"}, {"a\n'", R"("a\n'")"},    {"a\n\tb", R"("a\n\tb")"},
      {"a\r\nb", R"("a\r\nb")"},
  };
  for (const auto& [in, want] : cases) CHECK(toml_long_text(in) == want);
}

TEST_CASE("a key is bare where TOML allows it", "[toml_writer]") {
  CHECK(toml_key("filter_main-1") == "filter_main-1");
  CHECK(toml_key("a.b") == "\"a.b\"");
  CHECK(toml_key("") == "\"\"");
  CHECK(toml_quoted_key("Image") == "\"Image\"");
}

TEST_CASE("a number keeps its kind", "[toml_writer]") {
  CHECK(toml_integer(INT64_MIN) == "-9223372036854775808");
  CHECK(toml_real(3) == "3.0");
  CHECK(toml_real(-0.0) == "-0.0");
  CHECK(toml_real(1e300) == "1e+300");
  CHECK(toml_real(0.1) == "0.1");
}

TEST_CASE("an event in JSON becomes an inline table", "[toml_writer]") {
  CHECK(toml_of_json(R"({"process":{"name":"a\"\u001b","args":["x",1,true,[]],"e":{}}})") ==
        R"({ process = { name = "a\"\u001b", args = ["x", 1, true, []], e = {} } })");
  CHECK(toml_of_json(R"({"a.b":"\udb40\udc41"})") == R"({ "a.b" = "\U000e0041" })");
}

TEST_CASE("what is no JSON of ours becomes nothing", "[toml_writer]") {
  const std::string deep(1000, '[');
  for (const std::string& json : {std::string("{\"a\":null}"), std::string("{"), std::string("[1"),
                                  std::string("\"a"), std::string("{1:2}"), std::string("1 2]"), deep})
    CHECK(toml_of_json(json) == "");
}
