#include "src/pipeline.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/events.h"
#include "tests/support/stream.h"

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

}  // namespace detectd
