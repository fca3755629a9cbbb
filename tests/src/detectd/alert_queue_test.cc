// Stored hits as alerts.
#include "src/detectd/alert_queue.h"

#include <simdjson.h>
#include <catch2/catch.hpp>

#include "src/store/hit_store.h"
#include "tests/support/hits.h"
#include "tests/support/kept_store.h"
#include "tests/support/sqlite.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

class Queue {
 public:
  explicit Queue(AlertSelection selection = {}, std::vector<std::string> redact = {}) {
    HitStore::Options options{.path = path(), .spill = {}, .redact = std::move(redact), .tell = {}};
    options.sinks = {"pager"};
    store_.emplace(options);
    const RunStart start{
        .command = {"detectd"}, .version = "1", .rules_digest = "d", .time_ns = 1, .alerts = true};
    REQUIRE((*store_)->begin_run({.start = start, .rules = RuleSet(), .name_of_file = {}}));
    queue_ = make_alert_queue({.database = path(),
                               .sink = "pager",
                               .host = "web01",
                               .selection = std::move(selection),
                               .running = [] {
                                 return std::vector<Outbox::NamedRule>{{"x", "quiet"}};
                               }});
  }
  void hit(const HitSpec& spec) {
    (*store_)->record(make_hit(spec));
    REQUIRE((*store_)->commit());
  }
  std::vector<Alert> read() {
    auto batch = queue_->read(0, 100, 0);
    REQUIRE(batch);
    return std::move(batch->alerts);
  }
  AlertQueue& operator*() { return *queue_; }
  std::string path() const { return directory_.path("hits.db"); }

 private:
  TempDir directory_;
  std::optional<Kept> store_;
  std::unique_ptr<AlertQueue> queue_;
};

}  // namespace

TEST_CASE("a stored hit becomes an alert of one line, with what is printed of it as JSON", "[alerts]") {
  Queue queue;
  queue.hit({});
  const auto alerts = queue.read();
  REQUIRE(alerts.size() == 1);
  const Alert& alert = alerts.front();
  CHECK(alert.text.starts_with("high web-shell: nginx"));
  CHECK(alert.text.ends_with("www-data: sh -c 'id; uname -a'"));
  CHECK(
      alert.json.starts_with(R"({"type":"hit","n":1,"id":"00000000000000000000000000000001","@timestamp":)"));
  CHECK(alert.json.find('\n') == std::string::npos);
  CHECK(alert.id == "00000000000000000000000000000001");
  CHECK(alert.user_name == "www-data");
}

TEST_CASE("a sink is told what it asks for by level, rule and tag", "[alerts]") {
  RuleRecord rule{.id = "id-1",
                  .name = "detectd.lost",
                  .title = "t",
                  .level = Level::kMedium,
                  .tags = R"(["attack.execution","attack.t1059"])",
                  .digest = {}};
  struct Case {
    AlertSelection selection;
    bool want;
  };
  const auto with = [](Level level, std::vector<std::string> tags, std::vector<std::string> rules,
                       std::vector<std::string> silent = {}) {
    return AlertSelection{.level = level,
                          .tags = std::move(tags),
                          .rules = std::move(rules),
                          .silent_rules = std::move(silent)};
  };
  CHECK(with(Level::kInformational, {}, {}).has(rule));
  CHECK(with(Level::kMedium, {}, {}).has(rule));
  CHECK_FALSE(with(Level::kHigh, {}, {}).has(rule));
  CHECK(with(Level::kLow, {"attack.t1059"}, {}).has(rule));
  CHECK(with(Level::kLow, {"other", "attack.*"}, {}).has(rule));
  CHECK_FALSE(with(Level::kLow, {"attack"}, {}).has(rule));
  CHECK(with(Level::kLow, {}, {"detectd.*"}).has(rule));
  CHECK(with(Level::kLow, {}, {"id-1"}).has(rule));
  CHECK_FALSE(with(Level::kLow, {}, {"web-shell"}).has(rule));
  CHECK_FALSE(with(Level::kLow, {"attack.*"}, {"web-shell"}).has(rule));
  CHECK_FALSE(with(Level::kLow, {}, {}, {"detectd.lost"}).has(rule));
  // Whether a hit arrives must be tried out with every sink.
  rule.name = "detectd.selftest";
  rule.level = Level::kInformational;
  CHECK(with(Level::kCritical, {"attack.t1105"}, {"web-shell"}).has(rule));
}

TEST_CASE("TRUST 107: what is redacted in the database is not told either", "[alerts]") {
  Queue queue({}, {R"((?i)password=\S+)"});
  queue.hit({.command_line = "mysql password=hunter2",
             .raw = R"({"process":{"command_line":"mysql password=hunter2"}})"});
  const auto alerts = queue.read();
  REQUIRE(alerts.size() == 1);
  CHECK((alerts[0].text + alerts[0].json + alerts[0].command_line + alerts[0].event).find("hunter2") ==
        std::string::npos);
}

TEST_CASE("hostile text is escaped in an alert's line", "[alerts]") {
  Queue queue;
  uint8_t id = 1;
  for (const std::string& text : hostile_texts())
    queue.hit({.title = text, .name = text, .command_line = text, .user = text, .id = id++});
  for (const Alert& alert : queue.read()) {
    CHECK(alert.text.find_first_of("\n\r\x1b") == std::string::npos);
    CHECK(alert.json.find_first_of("\n\r\x1b") == std::string::npos);
  }
}

TEST_CASE("what is folded and a digest are JSON with numbers by rule, the same id each time", "[alerts]") {
  Queue queue;
  const int64_t time_ns = make_hit({}).event->time_ns;
  for (uint8_t id = 1; id <= 3; ++id) queue.hit({.id = id});
  queue.hit({.rule_id = "22222222-2222-4222-8222-222222222222",
             .rule_name = "other",
             .level = Level::kCritical,
             .id = 9});
  const auto fold = (*queue).fold(1, 77);
  REQUIRE(fold);
  CHECK(fold->count == 3);
  CHECK(fold->n == 4);
  CHECK(fold->level == Level::kCritical);
  CHECK(fold->text ==
        "3 more hits came too fast to be told one by one: 1 other (critical), 2 web-shell (high)");
  CHECK((*queue).fold(1, 99)->id == fold->id);
  const auto digest = (*queue).digest(time_ns, time_ns + 1);
  REQUIRE(digest);
  CHECK(digest->text ==
        "4 hits since 2026-11-20T14:03:07Z: 1 other (critical), 3 web-shell (high); never blind; 1 rule "
        "never hit");
  simdjson::dom::parser parser;
  const auto json = parser.parse(digest->json);
  CHECK(int64_t(json["hits"]) == 4);
  CHECK(std::string_view(json["never_hit"].at(0)) == "quiet");
  CHECK(std::string_view(json["rules"].at(0)["name"]) == "other");
  const auto empty = (*queue).digest(time_ns + 10, time_ns + 20);
  CHECK(empty->text == "0 hits since 2026-11-20T14:03:07Z; never blind; 1 rule never hit");
  const Alert notice =
      (*queue).notice(AlertKind::kHeartbeat, Level::kInformational, "detectd watches", time_ns);
  CHECK(notice.json.starts_with(R"({"type":"heartbeat","id":")"));
}

}  // namespace detectd
