#include "src/pipeline.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <limits>
#include <utility>

#include "tests/support/events.h"
#include "tests/support/failing_disk.h"
#include "tests/support/sqlite.h"
#include "tests/support/stream.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

using test::exec;
using test::kMs;
using test::uid_change;

// A live source: chunks that may be empty, and what is settled with each.
class PausingSource final : public EventSource {
 public:
  struct Step {
    std::vector<Event> events;
    int64_t settled_ms = 0;  // 0: nothing
  };

  explicit PausingSource(std::vector<Step> steps, std::function<void(size_t)> before)
      : steps_(std::move(steps)), before_(std::move(before)) {}

  Result<bool> next(std::vector<Event>& chunk) override {
    before_(at_);
    chunk.clear();
    if (at_ == steps_.size()) return false;
    chunk = std::move(steps_[at_].events);
    settled_ms_ = steps_[at_++].settled_ms;
    return true;
  }
  std::optional<Moment> settled() const override {
    if (settled_ms_ == 0) return std::nullopt;
    return Moment{.time_ns = settled_ms_ * kMs, .boot_ns = std::nullopt, .host = nullptr};
  }
  const SourceReport& report() const override { return report_; }

 private:
  std::vector<Step> steps_;
  std::function<void(size_t)> before_;
  size_t at_ = 0;
  int64_t settled_ms_ = 0;
  SourceReport report_;
};

class CountingReport final : public Report {
 public:
  void show_hits(std::span<const Hit>) override {}
  void show_loss(const Event&) override {}
  void show_summary(const Summary&) override {}
};

class KeepingSink final : public EventSink {
 public:
  void write(const Event& event) override {
    kinds += std::string(to_string(event.kind)) + (event.silent ? "? " : " ");
  }
  void settle(int64_t) override { ++settled; }

  std::string kinds;
  size_t settled = 0;
};

// Sends at once, and hears later.
class FakeResponder final : public HitResponder {
 public:
  void observe(const Event&) override {}
  bool respond(Hit& hit) override {
    hit.response_outcome = "signalled";
    sent.push_back(hit);
    return true;
  }
  void settle(News& news, bool last) override {
    if (!last && ++turns_ < 3) return;
    for (Hit& hit : sent) {
      hit.response_outcome = "killed";
      news.settled.push_back(std::move(hit));
    }
    sent.clear();
  }

  std::vector<Hit> sent;

 private:
  int turns_ = 0;
};

class OutcomeReport final : public Report {
 public:
  void show_hits(std::span<const Hit> hits) override {
    for (const Hit& hit : hits) shown += hit.rule->name + ":" + hit.response_outcome + " ";
  }
  void show_loss(const Event&) override {}
  void show_summary(const Summary&) override {}

  std::string shown;
};

std::vector<Event> list(std::initializer_list<Event> events) { return events; }

}  // namespace

TEST_CASE("while a source pauses, id changes that waited are judged, and captured once", "[pipeline][live]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "any"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."process.pid|gte" = 1
condition = "x"
)toml");
  Event table = exec(9, "/bin/sh").at(1);
  table.silent = true;
  KeepingSink sink;
  std::vector<std::string> captured;  // before each step
  PausingSource source({{list({table, exec(7, "/bin/sh").at(1), uid_change(8, 0, 0).at(2)}), 0},
                        {{}, 5},
                        {{}, 20},
                        {list({exec(8, "/bin/sh").at(30)}), 0}},
                       [&](size_t) { captured.push_back(sink.kinds); });
  Engine engine(rules, {});
  CountingReport report;
  Output output(-1);
  WorkerPool workers(1);
  Pipeline pipeline(
      engine, {.source = source, .report = report, .output = output, .workers = workers, .capture = &sink},
      {});
  CHECK(pipeline.run() == Ending::kEndOfStream);
  CHECK(captured == std::vector<std::string>{"", "exec? exec ", "exec? exec ", "exec? exec uid_change ",
                                             "exec? exec uid_change exec "});
  CHECK(sink.kinds == captured.back());
  CHECK(sink.settled == 5);
  CHECK(pipeline.summary().events == 3);
  CHECK(engine.counters().hits == 3);
}

namespace {

constexpr const char* kEveryProgram = R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "any"
title = "t"
level = "low"
on = "exec"
[rule.detection]
x."process.pid|gte" = 1
condition = "x"
)toml";

}  // namespace

TEST_CASE(
    "between two chunks all hits so far can be made to stay, before something that follows from them is kept",
    "[pipeline][store]") {
  const auto rules = testing::compile_toml(kEveryProgram);
  const TempDir dir;
  auto store = HitStore::open({.path = dir.path("hits.db"), .spill = {}, .redact = {}, .tell = {}});
  REQUIRE(store);
  REQUIRE((*store)->begin_run({.start = {}, .rules = *rules, .name_of_file = {}}));
  PausingSource source({{list({exec(7, "/bin/sh").at(1), exec(8, "/bin/sh").at(2)}), 0}}, [](size_t) {});
  Engine engine(rules, {});
  CountingReport report;
  Output output(-1);
  WorkerPool workers(1);
  std::optional<Pipeline> pipeline;
  std::vector<std::string> stored;  // at each turn
  pipeline.emplace(
      engine,
      Pipeline::Edges{
          .source = source, .report = report, .output = output, .workers = workers, .store = store->get()},
      Pipeline::Options{.on_turn = [&] {
        REQUIRE(pipeline->commit());
        stored.push_back(Sqlite(dir.path("hits.db")).rows("SELECT count(*) FROM hits"));
      }});
  CHECK(pipeline->run() == Ending::kEndOfStream);
  CHECK(stored == std::vector<std::string>{"2\n"});
}

TEST_CASE("a store that takes no more ends the run, whoever asks it to", "[pipeline][store]") {
  const auto rules = testing::compile_toml(kEveryProgram);
  const TempDir dir;
  FailingDisk disk;
  auto store = HitStore::open(
      {.path = dir.path("hits.db"), .spill = dir.path("no/such/spill"), .redact = {}, .tell = {}});
  REQUIRE(store);
  REQUIRE((*store)->begin_run({.start = {}, .rules = *rules, .name_of_file = {}}));
  PausingSource source({{{}, 0}, {list({exec(7, "/bin/sh").at(1)}), 0}, {{}, 0}}, [](size_t) {});
  Engine engine(rules, {});
  CountingReport report;
  Output output(-1);
  WorkerPool workers(1);
  std::optional<Pipeline> pipeline;
  size_t turns = 0;
  pipeline.emplace(
      engine,
      Pipeline::Edges{
          .source = source, .report = report, .output = output, .workers = workers, .store = store->get()},
      Pipeline::Options{.on_turn = [&] {
        ++turns;
        disk.fail_writes(SQLITE_IOERR);
        pipeline->commit();
      }});
  CHECK(pipeline->run() == Ending::kStoreFailed);
  CHECK(turns == 2);
}

TEST_CASE("TRUST 75: events that take longer than a bound to judge are counted, the slowest named",
          "[pipeline]") {
  const auto rules = testing::compile_toml(kEveryProgram);
  struct Case {
    int64_t bound_ns;
    uint64_t slow;
  };
  // No clock is as fine as the first, and no test as slow as the last.
  for (const Case& c : {Case{1, 2}, Case{0, 0}, Case{INT64_MAX, 0}}) {
    PausingSource source({{list({exec(7, "/bin/sh").at(1)}), 0}}, [](size_t) {});
    Engine engine(rules, {});
    CountingReport report;
    Output output(-1);
    WorkerPool workers(1);
    Pipeline pipeline(engine, {.source = source, .report = report, .output = output, .workers = workers},
                      {.slow_event_ns = c.bound_ns});
    CHECK(pipeline.run() == Ending::kEndOfStream);
    CHECK(pipeline.slow_events().events == c.slow);
    CHECK(pipeline.slow_events().slowest_pid == (c.slow == 0 ? std::nullopt : std::optional(7u)));
    CHECK(engine.counters().hits == 1);
  }
}

TEST_CASE("a hit with a response is shown once, when its outcome is known, and stored with it",
          "[pipeline][live]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "kills"
title = "t"
level = "low"
on = "exec"
response = { action = "kill" }
[rule.detection]
x."process.executable" = "/bin/nc"
condition = "x"
[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "tells"
title = "t"
level = "low"
on = "exec"
[rule.detection]
x."process.executable" = "/bin/nc"
condition = "x"
)toml");
  for (const bool aside : {false, true}) {
    TempDir directory;
    auto store = HitStore::open({.path = directory.path("hits.db"), .spill = {}, .redact = {}, .tell = {}});
    REQUIRE(store);
    REQUIRE((*store)->begin_run({.start = {}, .rules = *rules, .name_of_file = {}}));
    PausingSource source({{list({exec(7, "/bin/nc").at(1)}), 0}, {{}, 5}, {{}, 6}, {{}, 7}}, [](size_t) {});
    Engine engine(rules, {});
    OutcomeReport report;
    FakeResponder responder;
    Output output(-1);
    WorkerPool workers(1);
    {
      Pipeline pipeline(engine,
                        {.source = source,
                         .report = report,
                         .output = output,
                         .workers = workers,
                         .store = store->get(),
                         .responder = &responder},
                        {.commit_aside = aside});
      CHECK(pipeline.run() == Ending::kEndOfStream);
    }
    CHECK(report.shown == "tells: kills:killed ");
    REQUIRE((*store)->end_run({}));
    auto database = Database::open(directory.path("hits.db"), Database::Access::kRead);
    REQUIRE(database);
    const auto stored = database->query_number("SELECT count(*) FROM hits WHERE response_outcome = 'killed'");
    REQUIRE(stored);
    CHECK(*stored == 1);
  }
}

TEST_CASE("rules that respond and come by a reload do not wait for commits either", "[pipeline][live]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "tells"
title = "t"
level = "low"
on = "exec"
[rule.detection]
x."process.executable" = "/bin/nc"
condition = "x"
)toml");
  TempDir directory;
  auto store = HitStore::open({.path = directory.path("hits.db"), .spill = {}, .redact = {}, .tell = {}});
  REQUIRE(store);
  REQUIRE((*store)->begin_run({.start = {}, .rules = *rules, .name_of_file = {}}));
  const auto hit = [](int64_t second) { return list({exec(7, "/bin/nc").at(second)}); };
  PausingSource source({{hit(1), 0}, {hit(2), 5}, {hit(3), 6}}, [](size_t) {});
  Engine engine(rules, {});
  CountingReport report;
  Output output(-1);
  WorkerPool workers(1);
  std::optional<Pipeline> pipeline;
  std::vector<bool> aside;
  pipeline.emplace(
      engine,
      Pipeline::Edges{
          .source = source, .report = report, .output = output, .workers = workers, .store = store->get()},
      Pipeline::Options{.on_turn = [&] {
        aside.push_back(pipeline->commits_aside());
        pipeline->reload(rules, aside.size() == 1);
      }});
  CHECK(pipeline->run() == Ending::kEndOfStream);
  REQUIRE(aside.size() >= 2);
  CHECK_FALSE(aside[0]);
  CHECK(aside[1]);
  pipeline.reset();
  REQUIRE((*store)->end_run({}));
  CHECK(engine.counters().hits == 3);
  auto database = Database::open(directory.path("hits.db"), Database::Access::kRead);
  REQUIRE(database);
  CHECK(*database->query_number("SELECT count(*) FROM hits") == 3);
}

TEST_CASE("who matches changes nothing of the hits, nor of their order", "[pipeline][threads]") {
  const auto rules = testing::compile_toml(R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "late"
title = "t"
level = "low"
on = "exec"
[rule.detection]
x."process.pid|gte" = 1000
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "shell"
title = "t"
level = "low"
on = "exec"
[rule.detection]
x."process.executable" = "/bin/sh"
condition = "x"
)toml");
  const auto hits_of = [&](size_t threads, int64_t share_above_ns) {
    constexpr uint32_t kEvents = 1000;
    std::vector<PausingSource::Step> steps(3);
    for (uint32_t i = 0; i < 3 * kEvents; ++i) {
      steps[i / kEvents].events.push_back(exec(100 + i, i % 7 == 0 ? "/bin/sh" : "/bin/ls").at(i));
    }
    PausingSource source(std::move(steps), [](size_t) {});
    Engine engine(rules, {});
    OutcomeReport report;
    Output output(-1);
    WorkerPool workers(threads);
    Pipeline pipeline(engine, {.source = source, .report = report, .output = output, .workers = workers},
                      {.share_above_ns = share_above_ns});
    CHECK(pipeline.run() == Ending::kEndOfStream);
    CHECK(engine.counters().hits > 1500);
    return std::pair(report.shown, hex(engine.hits_digest().value()));
  };
  constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
  const auto alone = hits_of(1, 0);
  for (const size_t threads : {2u, 4u}) {
    CHECK(hits_of(threads, 0) == alone);
    CHECK(hits_of(threads, kNever) == alone);
  }
}

}  // namespace detectd
