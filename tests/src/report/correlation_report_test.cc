// Hits of correlations and folds, as they are shown.
#include <simdjson.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "src/report/hit_view.h"
#include "src/report/json_report.h"
#include "src/report/time_zone.h"
#include "tests/support/hits.h"
#include "tests/support/written.h"

namespace detectd {
namespace {

const std::string kFile = "web01.jsonl";

std::string json_of(const Hit& hit) {
  Written written;
  JsonReport report(written.output(), [](uint32_t) -> const std::string& { return kFile; });
  report.show_hits({&hit, 1});
  return written.text();
}

// Of three parts, the oldest without its event, and two that are left out.
Hit correlated(const std::string& value) {
  Hit hit = make_hit({});
  const Hit part = make_hit({.rule_name = "part", .id = 2});
  auto rule = std::make_shared<Rule>(*hit.rule);
  rule->correlation.emplace();
  hit.rule = rule;
  hit.group = {{"user.name", value}, {"process.name", "su"}};
  for (int i = 0; i < 3; ++i) {
    const int64_t time_ns = part.event->time_ns + i;
    hit.parts.push_back({part.id, part.rule, time_ns, time_ns, i == 0 ? nullptr : part.event});
  }
  hit.parts_left_out = 2;
  return hit;
}

}  // namespace

TEST_CASE("a correlation's hit is told with its group and the number of its parts", "[report]") {
  CHECK(hit_text(correlated("eve"), 100) == "[5 hits; user.name eve, process.name su] sh -c 'id; uname -a'");
  Hit alone = correlated("eve");
  alone.group.clear();
  alone.parts.resize(1);
  alone.parts_left_out = 0;
  CHECK(hit_text(alone, 100) == "[1 hit] sh -c 'id; uname -a'");
}

TEST_CASE("a fold is told by how often it came again, and since when", "[report]") {
  REQUIRE(use_time_zone("UTC"));
  Hit fold = make_hit({});
  fold.fold = true;
  fold.count = 1205;
  CHECK(hit_text(fold, 100) == "1,204 more since 2026-11-20T14:03:07.112Z");
}

TEST_CASE("a correlation's parts stand in JSON, with those events that were kept", "[report]") {
  simdjson::dom::parser parser;
  const std::string line = json_of(correlated("eve"));
  const simdjson::dom::element hit = parser.parse(line);
  CHECK(std::string_view(hit["group"]["user.name"]) == "eve");
  const simdjson::dom::array parts = hit["parts"];
  REQUIRE(parts.size() == 3);
  CHECK(std::string_view(parts.at(0)["rule"]["name"]) == "part");
  CHECK(std::string_view(parts.at(0)["id"]) == "00000000000000000000000000000002");
  simdjson::dom::element event;
  CHECK(parts.at(0)["event"].get(event) == simdjson::NO_SUCH_FIELD);
  CHECK(parts.at(1)["event"].get(event) == simdjson::SUCCESS);
  CHECK(int64_t(hit["parts_left_out"]) == 2);
}

TEST_CASE("TRUST 33, 34: whatever a group says, it is one line without control characters", "[report]") {
  simdjson::dom::parser parser;
  for (const std::string& text : hostile_texts()) {
    CAPTURE(text);
    const std::string line = json_of(correlated(text));
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(std::all_of(line.begin(), line.end() - 1, [](unsigned char c) { return c >= 0x20; }));
    CHECK(std::string_view(parser.parse(line)["group"]["user.name"]) == text);
    const std::string shown = hit_text(correlated(text), 100);
    CHECK(std::all_of(shown.begin(), shown.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; }));
    CHECK(shown.find("\u202e") == std::string::npos);
  }
}

}  // namespace detectd
