#include "src/store/redaction.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

std::string json(const std::vector<std::string>& patterns, std::string document) {
  const auto redaction = Redaction::compile(patterns);
  REQUIRE(redaction);
  redaction->redact_json(document);
  return document;
}

}  // namespace

TEST_CASE("what a pattern matches is replaced, wherever it stands and however often", "[store]") {
  const auto redaction = Redaction::compile({R"((?i)password=\S+)", R"(token \w+)"});
  REQUIRE(redaction);
  struct Case {
    std::string text;
    std::string want;
  };
  const Case cases[] = {
      {"mysql --PASSWORD=hunter2 -e x", "mysql --[redacted] -e x"},
      {"password=a password=b", "[redacted] [redacted]"},
      {"password=token x", "[redacted]"},
      {"nothing", "nothing"},
      {"", ""},
  };
  for (const Case& c : cases) {
    std::string text = c.text;
    CHECK(redaction->redact_text(text) == (c.text != c.want));
    CHECK(text == c.want);
  }
}

TEST_CASE("TRUST 107: secrets go from each value of a document, and it stays JSON", "[store]") {
  struct Case {
    const char* document;
    const char* want;
  };
  const Case cases[] = {
      {R"({"a":"x password=1","b":2})", R"({"a":"x [redacted]","b":2})"},
      {R"({"a":{"b":["password=1","c",{"d":"password=2"}]}})",
       R"({"a":{"b":["[redacted]","c",{"d":"[redacted]"}]}})"},
      {R"({"password=k":"v"})", R"({"password=k":"v"})"},
      {R"({"a":"\u0070assword=\"q\"","b":"c"})", R"({"a":"[redacted]","b":"c"})"},
      {R"({"a":"say \"password=1 x\""})", R"({"a":"say \"[redacted] x\""})"},
      {R"({"a":[],"b":"password="})", R"({"a":[],"b":"password="})"},
      {R"("password=1")", R"("[redacted]")"},
      {R"([["password=1"],["b"]])", R"([["[redacted]"],["b"]])"},
  };
  for (const Case& c : cases) CHECK(json({R"(password=\S+)"}, c.document) == c.want);
}

TEST_CASE("TRUST 107: a secret in the argument after its option is found as in the command line", "[store]") {
  CHECK(json({"--password \\S+"}, R"({"args":["curl","--password","hunter2","-s"],"x":"hunter2"})") ==
        R"({"args":["curl","[redacted]","[redacted]","-s"],"x":"hunter2"})");
  CHECK(json({"-p .*"}, R"({"args":["a","-p","b","c"]})") ==
        R"({"args":["a","[redacted]","[redacted]","[redacted]"]})");
}

TEST_CASE("TRUST 107: the exact bytes of arguments, in base64, go with the secret", "[store]") {
  CHECK(json({"pw=\\S+"}, R"({"detectd":{"args_bytes":"cHc9MQ=="},"process":{"command_line":"a pw=1"}})") ==
        R"({"detectd":{"args_bytes":"[redacted]"},"process":{"command_line":"a [redacted]"}})");
  CHECK(json({"pw=\\S+"}, R"({"detectd.args_bytes":["cHc9MQ=="],"process":{"command_line":"a pw=1"}})") ==
        R"({"detectd.args_bytes":["[redacted]"],"process":{"command_line":"a [redacted]"}})");
  CHECK(json({"pw=\\S+"}, R"({"detectd":{"args_bytes":"YQ=="},"process":{"command_line":"a"}})") ==
        R"({"detectd":{"args_bytes":"YQ=="},"process":{"command_line":"a"}})");
}

TEST_CASE("a pattern that is tied to the ends of a text is tied to each value", "[store]") {
  const char* const document = R"({"a":"x","b":"xy","c":["x","y"]})";
  CHECK(json({"^x$"}, document) == R"({"a":"[redacted]","b":"xy","c":["x","y"]})");
  CHECK(json({R"(\Ax\z)"}, document) == R"({"a":"[redacted]","b":"xy","c":["x","y"]})");
  CHECK(json({"(?-m:^xy$)"}, document) == R"({"a":"x","b":"[redacted]","c":["x","y"]})");
  CHECK(json({"^x y$"}, document) == R"({"a":"x","b":"xy","c":["[redacted]","[redacted]"]})");
}

TEST_CASE(
    "TRUST 107: a secret is found however it is spelt, though most texts are only searched for literals",
    "[store]") {
  const auto redaction = Redaction::compile({R"((?i)password[= ]\S+)"});
  REQUIRE(redaction);
  CHECK_FALSE(redaction->may_need("mysql -u root --passwort=hunter2"));
  CHECK_FALSE(redaction->may_need(""));
  CHECK(redaction->may_need("PassWord"));
  const char* const found[] = {
      R"({"a":"PASSWORD=x"})",      R"({"a":"pa\u0073sword=x"})",    "{\"a\":\"pa\u017F\u017Fword=x\"}",
      R"({"a":["-password","x"]})", R"({"a":"é password=x"})",       R"({"a":"\\password=x"})",
      R"({"a":"xpasspassword=x"})", R"({"a":"passwordpassword x"})",
  };
  for (std::string document : found) {
    INFO(document);
    CHECK(redaction->redact_json(document));
  }
  // Nothing is known of what such a pattern needs: every text is searched.
  for (const char* pattern : {R"(\d{16})", R"(x|password=\S+)", R"(" +|'")"}) {
    const auto any = Redaction::compile({R"(password=\S+)", pattern});
    REQUIRE(any);
    CHECK(any->may_need("mysql -u root"));
  }
}

TEST_CASE("TRUST 107: a literal is found wherever it stands", "[store]") {
  for (const char* pattern : {"abcd", "ab=d", "=bcd", "abc=", "(?i)aBC="}) {
    const auto redaction = Redaction::compile({pattern});
    REQUIRE(redaction);
    std::string literal = pattern;
    if (literal.starts_with("(?i)")) literal = "AbC=";
    for (size_t before = 0; before < 12; ++before) {
      for (size_t after = 0; after < 12; ++after) {
        for (const char filler : {'x', 'a', '='}) {
          const std::string text = std::string(before, filler) + literal + std::string(after, filler);
          std::string redacted = text;
          CAPTURE(pattern, text);
          CHECK(redaction->may_need(text));
          CHECK(redaction->redact_text(redacted));
          CHECK_FALSE(redaction->may_need(std::string(before, filler) + literal.substr(1, 2) +
                                          std::string(after, filler)));
        }
      }
    }
  }
}

TEST_CASE("a pattern that is no regular expression is refused with the reason", "[store]") {
  const auto redaction = Redaction::compile({"a(b"});
  REQUIRE_FALSE(redaction);
  CHECK(redaction.error().code == Errc::kRules);
  CHECK(redaction.error().message.starts_with("`a(b` can not be used: "));
}

}  // namespace detectd
