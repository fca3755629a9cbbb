#include "src/report/json_report.h"

#include <simdjson.h>
#include <algorithm>
#include <catch2/catch.hpp>

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

}  // namespace

TEST_CASE("a hit is one JSON object with rule, event, lineage and place", "[report]") {
  CHECK(json_of(make_hit({})) == R"({"type":"hit","id":"00000000000000000000000000000001",)"
                                 R"("@timestamp":"2026-11-20T14:03:07.112000000Z",)"
                                 R"("rule":{"id":"11111111-1111-4111-8111-111111111111","name":"web-shell",)"
                                 R"("title":"Web server starts a shell","level":"high",)"
                                 R"("tags":["attack.persistence","attack.t1505.003"]},)"
                                 R"("event":{"process":{"pid":9921}},"lineage":[{"pid":812,"name":"nginx"}],)"
                                 R"("capture":{"file":"web01.jsonl","line":7},"count":1})"
                                 "\n");
}

TEST_CASE("a response that the rule asks for is told, and that a replay did nothing", "[report]") {
  Hit hit = make_hit({});
  auto rule = std::make_shared<Rule>(*hit.rule);
  rule->response.emplace().action = ResponseAction::kKillTree;
  hit.rule = rule;
  const std::string want =
      R"("count":1,"response":{"action":"kill_tree","target":"process","outcome":"replay"}})"
      "\n";
  CHECK(json_of(hit).ends_with(want));
}

TEST_CASE("TRUST 33, 34: a hit is one line of valid JSON without control characters, whatever it says",
          "[report]") {
  simdjson::dom::parser parser;
  for (const std::string& text : hostile_texts()) {
    CAPTURE(text);
    Hit hit = make_hit({.rule_id = text, .rule_name = text, .title = text, .parent_name = text});
    const std::string line = json_of(hit);
    CHECK(std::count(line.begin(), line.end(), '\n') == 1);
    CHECK(std::all_of(line.begin(), line.end() - 1, [](unsigned char c) { return c >= 0x20; }));
    simdjson::dom::element document;
    REQUIRE(parser.parse(line).get(document) == simdjson::SUCCESS);
    std::string_view title;
    REQUIRE(document["rule"]["title"].get(title) == simdjson::SUCCESS);
    CHECK(title == text);
  }
}

TEST_CASE("the summary is the last object and says whether the run was complete", "[report]") {
  Written written;
  JsonReport report(written.output(), [](uint32_t) -> const std::string& { return kFile; });
  Summary summary;
  summary.events = 5;
  summary.hits = 1;
  summary.skipped = 2;
  report.show_summary(summary);
  const std::string zeros(64, '0');
  CHECK(
      written.text() ==
      R"({"type":"summary","events":5,"hits":1,"hits_left_out":0,"folded":0,"evicted_groups":0,"skipped":2,"lost":0,"gaps":0,"uncounted_gaps":0,)"
      R"("inactive_rules":0,"rules_digest":")" +
          zeros + R"(","hits_digest":")" + zeros +
          R"(","complete":false})"
          "\n");
}

}  // namespace detectd
