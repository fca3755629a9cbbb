#include "src/detectd/alert_options.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// What is said of a configuration: `D207 3:7 message`.
std::string mistakes_of(const std::string& text) {
  const TempDir directory;
  directory.write("detectd.toml", text);
  Diagnostics diagnostics;
  const auto config = load_config(directory.path("detectd.toml"), diagnostics);
  REQUIRE(config);
  std::string told;
  diagnostics.sort();
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    told += diagnostic.code + " " + std::to_string(diagnostic.span.line) + ": " + diagnostic.message + "\n";
  }
  return told;
}

std::vector<AlertOptions> options_of(const std::string& text) {
  const TempDir directory;
  directory.write("detectd.toml", text);
  Diagnostics diagnostics;
  const auto config = load_config(directory.path("detectd.toml"), diagnostics);
  REQUIRE(config);
  REQUIRE(diagnostics.errors() == 0);
  return alert_options(*config);
}

}  // namespace

TEST_CASE("what an [[alert]] says is told back with the defaults of its type", "[alerts]") {
  const auto options = options_of(R"(
[[alert]]
type = "journal"
[[alert]]
type = "webhook"
url = "https://alerts.example/hook"
level = "high"
tags = ["attack.*"]
body = "slack"
heartbeat = "5m"
[[alert]]
type = "webhook"
url = "http://127.0.0.1:8080/"
name = "pager"
every = "1d"
at = "08:30"
[[alert]]
type = "command"
command = ["/bin/true", "--now"]
retry_for = "1h"
rate = "6/min"
[[alert]]
type = "webhook"
url = "https://[2001:db8::1]/hook"
)");
  REQUIRE(options.size() == 5);
  CHECK(options[0].name == "journal");
  CHECK(options[0].path == "/run/systemd/journal/socket");
  CHECK(options[0].rate == "1000/s");
  CHECK(options[0].retry_for_ns == int64_t{24} * 3600 * 1'000'000'000);
  CHECK(options[1].name == "webhook");
  CHECK(options[1].level == Level::kHigh);
  CHECK(options[1].rate == "10000/h");
  CHECK(options[1].heartbeat_ns == int64_t{300} * 1'000'000'000);
  CHECK(options[2].name == "pager");
  CHECK(options[2].at_minute == 510);
  CHECK(options[3].user == "detectd");
  CHECK(options[3].timeout_ns == int64_t{30} * 1'000'000'000);
  CHECK(options[4].name == "webhook 2");
}

TEST_CASE("TRUST 112: two receivers have two names", "[alerts]") {
  CHECK(mistakes_of(
            "[[alert]]\ntype = \"journal\"\nname = \"a\"\n[[alert]]\ntype = \"syslog\"\nname = \"a\"\n") ==
        "D207 6: two [[alert]] are named `a`\n");
  CHECK(mistakes_of("[[alert]]\ntype = \"journal\"\n[[alert]]\ntype = \"journal\"\n").empty());
  // What one is called by itself, another may not be named.
  CHECK(mistakes_of("[[alert]]\ntype = \"journal\"\n[[alert]]\ntype = \"syslog\"\nname = \"journal\"\n") ==
        "D207 5: two [[alert]] are named `journal`\n");
}

TEST_CASE("TRUST 112: what would make an alert that never comes is a mistake with its place", "[alerts]") {
  struct Case {
    const char* alert;
    const char* want;
  };
  const Case cases[] = {
      {"type = \"journal\"", ""},
      {"type = \"jornal\"",
       "D203 2: `jornal` is not one of `journal`, `syslog`, `json_file`, `webhook`, `command`, "
       "`unix_socket`\n"},
      {"type = \"journal\"\nlevl = \"high\"", "D200 3: unknown key `alert.levl`\n"},
      {"type = \"journal\"\nlevel = \"hihg\"",
       "D203 3: `hihg` is not one of `informational`, `low`, `medium`, `high`, `critical`\n"},
      {"type = \"journal\"\nretry_for = \"1 day\"", "D201 3: `1 day` is not a duration\n"},
      {"type = \"journal\"\ntags = \"x\"", "D204 3: `alert.tags` is a list of texts\n"},
      {"type = \"webhook\"", "D205 1: a webhook has no `url`\n"},
      {"type = \"command\"", "D205 1: an alert of the type `command` has no `command`\n"},
      {"type = \"command\"\ncommand = [\"mail\"]", "D202 3: `mail` is not an absolute path\n"},
      {"type = \"json_file\"", "D205 1: an alert of the type `json_file` has no `path`\n"},
      {"type = \"journal\"\nurl = \"https://a\"", "D207 3: `url` means nothing to the type `journal`\n"},
      {"type = \"webhook\"\nurl = \"http://alerts.example/\"",
       "D207 3: `http://alerts.example/` sends alerts unencrypted\n"},
      {"type = \"webhook\"\nurl = \"http://127.0.0.1.evil.example/\"",
       "D207 3: `http://127.0.0.1.evil.example/` sends alerts unencrypted\n"},
      {"type = \"webhook\"\nurl = \"http://localhost@evil.example/\"",
       "D207 3: `http://localhost@evil.example/` is not a URL without a user\n"},
      {"type = \"webhook\"\nurl = \"ftp://alerts.example/\"",
       "D207 3: `ftp://alerts.example/` is not a URL of the web\n"},
      {"type = \"webhook\"\nurl = \"https://a/\"\nurl_file = \"/x\"",
       "D207 4: `url` and `url_file` are given\n"},
      {"type = \"syslog\"\nurl = \"udp://a:514\"",
       "D207 3: `udp://a:514` is not where a syslog server can be\n"},
      {"type = \"syslog\"\nurl = \"tcp://a:514\"\nca_file = \"/x\"",
       "D207 4: `ca_file` is for TLS, and this is TCP\n"},
      {"type = \"journal\"\nevery = \"30s\"", "D207 3: a digest more often than once a minute\n"},
      {"type = \"journal\"\nat = \"08:00\"", "D207 3: `at` is the time of a digest, and there is none\n"},
      {"type = \"journal\"\nheartbeat = \"10ms\"", "D207 3: a sign of life more often than once a second\n"},
  };
  for (const Case& c : cases) CHECK(mistakes_of("[[alert]]\n" + std::string(c.alert) + "\n") == c.want);
}

TEST_CASE("a syslog server is named with its port", "[alerts]") {
  const auto parsed = parse_syslog_url("tls://[::1]:6514");
  REQUIRE(parsed);
  CHECK(parsed->tls);
  CHECK(parsed->host == "::1");
  CHECK(parsed->port == "6514");
  for (const char* const text : {"", "tls://", "tls://a", "tls://a:", "tls://:1", "tls://a:b",
                                 "tls://a:123456", "http://a:1", "tls://u@a:1"})
    CHECK_FALSE(parse_syslog_url(text));
}

}  // namespace detectd
