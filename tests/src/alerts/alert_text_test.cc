// No text of an event becomes a record, a field, an element, a mention or a link of its own.
#include "src/alerts/alert_text.h"

#include <simdjson.h>
#include <catch2/catch.hpp>

#include <map>

#include "src/alerts/webhook_body.h"
#include "tests/support/alerts.h"
#include "tests/support/hits.h"

namespace detectd {
namespace {

// As journald reads it.
std::multimap<std::string, std::string> read_entry(std::string_view entry) {
  std::multimap<std::string, std::string> fields;
  while (!entry.empty()) {
    const size_t name_end = entry.find('\n');
    REQUIRE(name_end != std::string_view::npos);
    const std::string name(entry.substr(0, name_end));
    REQUIRE(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string::npos);
    uint64_t size = 0;
    for (int i = 7; i >= 0; --i)
      size = size << 8 | static_cast<uint8_t>(entry[name_end + 1 + static_cast<size_t>(i)]);
    fields.emplace(name, entry.substr(name_end + 9, size));
    REQUIRE(entry[name_end + 9 + size] == '\n');
    entry.remove_prefix(name_end + 10 + size);
  }
  return fields;
}

std::vector<std::string> hostile() {
  std::vector<std::string> texts = hostile_texts();
  texts.insert(texts.end(),
               {"a\nPRIORITY=0\nMESSAGE=x", "\"] <0>1 - evil", "x\r\n<13>1 now", std::string("a\0b", 3),
                "<!channel> <https://evil|click> @here *b* _i_ ~s~ `c` ```", "\xff\xfe",
                R"(","level":"low","x":")", "\\\"]"});
  return texts;
}

void parse(const std::string& json) {
  simdjson::dom::parser parser;
  CAPTURE(json);
  CHECK(parser.parse(json).error() == simdjson::SUCCESS);
}

}  // namespace

TEST_CASE("a hit in the journal has its parts in fields of their own", "[alerts]") {
  const auto fields = read_entry(journal_entry(test::make_alert(7)));
  CHECK(fields.find("PRIORITY")->second == "3");
  CHECK(fields.find("DETECTD_LEVEL")->second == "high");
  CHECK(fields.find("DETECTD_RULE")->second == "web-shell");
  CHECK(fields.find("DETECTD_PID")->second == "9921");
  CHECK(fields.find("DETECTD_TAG")->second == "attack.t1505.003");
  CHECK(fields.find("DETECTD_JSON")->second == R"({"type":"hit","n":7})");
  CHECK(fields.count("DETECTD_RESPONSE") == 0);
}

TEST_CASE("hostile text stays within its field of the journal", "[alerts]") {
  for (const std::string& text : hostile()) {
    Alert alert = test::make_alert(1, text);
    alert.name = alert.user_name = alert.host = alert.rule_title = text;
    const auto fields = read_entry(journal_entry(alert));
    CHECK(fields.count("PRIORITY") == 1);
    CHECK(fields.count("MESSAGE") == 1);
    CHECK(fields.find("DETECTD_COMMAND_LINE")->second == text);
  }
}

TEST_CASE("a syslog message is what RFC 5424 says", "[alerts]") {
  CHECK(syslog_message(test::make_alert(7), {.facility = 4, .host = "other", .pid = 3}) ==
        "<35>1 2026-11-18T11:06:40.000000Z web01 detectd 3 hit [detectd@32473 "
        "id=\"00000000000000000000000000001007\""
        " level=\"high\" rule=\"web-shell\" rule_id=\"11111111-1111-4111-8111-111111111111\""
        " title=\"Web server starts a shell\" pid=\"9921\" process=\"sh\" user=\"www-data\""
        " command_line=\"sh -c 'id; uname -a'\"] {\"type\":\"hit\",\"n\":7}");
  Alert alert = test::make_alert(1);
  alert.host.clear();
  CHECK(syslog_message(alert, {.host = "my host\n", .pid = 3}).find("Z my_host_ detectd 3 ") !=
        std::string::npos);
}

TEST_CASE("hostile text begins no syslog record and ends no element", "[alerts]") {
  for (const std::string& text : hostile()) {
    Alert alert = test::make_alert(1, text);
    alert.name = alert.user_name = alert.rule_title = alert.host = text;
    const std::string message = syslog_message(alert, {.host = "h", .pid = 1});
    CAPTURE(message);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(message.find('\0') == std::string::npos);
    // The first bracket that closes, and is not escaped, is ours.
    size_t end = message.find('[');
    bool quoted = false;
    for (; end < message.size() && (quoted || message[end] != ']'); ++end) {
      if (message[end] == '\\') {
        ++end;
      } else if (message[end] == '"') {
        quoted = !quoted;
      }
    }
    CHECK(message.substr(end) == "] {\"type\":\"hit\",\"n\":1}");
  }
}

TEST_CASE("every body is JSON, whatever stands in an event", "[alerts]") {
  for (const std::string& text : hostile()) {
    Alert alert = test::make_alert(1, text);
    alert.name = alert.user_name = alert.rule_title = alert.host = alert.text = text;
    for (const BodyFormat format :
         {BodyFormat::kJson, BodyFormat::kSlack, BodyFormat::kOcsf, BodyFormat::kEcs})
      parse(webhook_body(alert, format));
    alert.kind = AlertKind::kDigest;
    for (const BodyFormat format : {BodyFormat::kSlack, BodyFormat::kOcsf, BodyFormat::kEcs})
      parse(webhook_body(alert, format));
  }
}

TEST_CASE("Slack shows an event's text as text: no link, mention or change of font", "[alerts]") {
  CHECK(slack_escaped("<!channel> & <https://evil|click>") ==
        "&lt;!channel&gt; &amp; &lt;https://evil|click&gt;");
  for (const std::string& text : hostile()) {
    const std::string shown = slack_escaped(text);
    CHECK(shown.find_first_of("<>*_~`@\n") == std::string::npos);
  }
  CHECK(slack_escaped(std::string(10'000, 'a')).size() < 3000);
}

TEST_CASE("an OCSF Detection Finding has the class, severity and ids that the schema asks for", "[alerts]") {
  simdjson::dom::parser parser;
  const std::string body = webhook_body(test::make_alert(7), BodyFormat::kOcsf);
  const auto finding = parser.parse(body);
  CHECK(int64_t(finding["class_uid"]) == 2004);
  CHECK(int64_t(finding["type_uid"]) == 200401);
  CHECK(int64_t(finding["severity_id"]) == 4);
  CHECK(int64_t(finding["time"]) == 1'795'000'000'000);
  CHECK(std::string_view(finding["finding_info"]["uid"]) == "00000000000000000000000000001007");
  CHECK(std::string_view(finding["metadata"]["version"]) == "1.3.0");
  CHECK(std::string_view(finding["evidences"].at(0)["process"]["cmd_line"]) == "sh -c 'id; uname -a'");
}

TEST_CASE("an ECS document has the fields that Elastic looks for", "[alerts]") {
  simdjson::dom::parser parser;
  const std::string body = webhook_body(test::make_alert(7), BodyFormat::kEcs);
  const auto document = parser.parse(body);
  CHECK(std::string_view(document["event"]["kind"]) == "alert");
  CHECK(std::string_view(document["rule"]["name"]) == "web-shell");
  CHECK(std::string_view(document["process"]["parent"]["name"]) == "nginx");
  CHECK(std::string_view(document["detectd"]["type"]) == "hit");
}

}  // namespace detectd
