#include "src/capture_writer.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <random>

#include "engine/engine.h"
#include "engine/event_key.h"
#include "engine/matcher.h"
#include "engine/timestamp.h"
#include "src/sources/replay.h"
#include "tests/support/event_dump.h"
#include "tests/support/shipped_rules.h"
#include "tests/support/stream.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

// Id changes and their execs, lineage, credentials, windows.
const char* const kRules = R"toml(
[[rule]]
id = "00000000-0000-4000-8000-000000000001"
name = "rose"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."detectd.escalated" = true
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000002"
name = "child-of-shell"
title = "t"
level = "low"
on = ["exec", "end", "fork"]
suppress = { by = ["process.name"], for = "1s" }
[rule.detection]
x."process.parent.name" = "sh"
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000003"
name = "previously-sh"
title = "t"
level = "low"
on = ["exec", "uid_change"]
[rule.detection]
x."process.previous.executable" = "/bin/sh"
condition = "x"

[[rule]]
id = "00000000-0000-4000-8000-000000000005"
name = "seen-at-start"
title = "t"
level = "low"
on = ["already_running"]
[rule.detection]
x."process.pid|gte" = 1
condition = "x"

[[correlation]]
id = "00000000-0000-4000-8000-000000000004"
name = "many"
title = "t"
generate = true
suppress = false
level = "high"
type = "event_count"
rules = ["child-of-shell"]
group-by = ["process.parent.entity_id"]
timespan = "50ms"
condition = { gte = 3 }
)toml";

struct RunResult {
  std::string digest;
  std::string events;  // as the rules saw them
  uint64_t hits = 0;
  std::vector<std::string> told;
};

// What the table and the header add to it.
std::string lineage(const Event& event) {
  std::string text = event.joined ? "joined " : "";
  text += format_rfc3339(event.time_ns) + ' ' + std::to_string(event.order_ns()) + ' ' +
          std::string(host_of(event)) + ' ' + (event.host ? event.host->boot_id : "") + ' ' +
          std::to_string(event.repetition);
  for (const Process* one = event.process.get(); one != nullptr; one = one->parent.get())
    text += " < " + std::string(one->entity_id());
  return text;
}

struct Capturing {
  std::string path;
  uint64_t max_bytes = 0;
  size_t chunk_events = 64;
  std::shared_ptr<const CaptureHost> host = nullptr;
};

// As the pipeline does.
RunResult run(const std::vector<std::string>& paths, const std::shared_ptr<const RuleSet>& rules,
              const Capturing& capturing = {}) {
  WorkerPool workers(1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = paths, .chunk_events = capturing.chunk_events}, rules->schema(),
                                   workers, diagnostics);
  REQUIRE(source);
  Engine engine(rules, {});
  RunResult result;
  std::unique_ptr<CaptureWriter> capture;
  if (!capturing.path.empty()) {
    auto opened = CaptureWriter::open(
        {.path = capturing.path,
         .max_bytes = capturing.max_bytes,
         .version = "0.1.0",
         .started = "2026-11-22T08:00:00Z",
         .host = capturing.host,
         .visit_running = [&](const std::function<void(Event&)>& visit) { engine.visit_running(visit); },
         .tell = [&](const Error& error) { result.told.push_back(error.message); }},
        rules->schema());
    REQUIRE(opened);
    capture = *std::move(opened);
  }
  Matcher matcher(*rules);
  std::vector<Event> chunk, ready;
  std::vector<Hit> hits;
  int64_t now_ns = 0;
  for (bool more = true; more;) {
    auto next = (*source)->next(chunk);
    REQUIRE(next);
    more = *next;
    ready.clear();
    for (Event& event : chunk) engine.observe(event, ready);
    if (!more) engine.flush(ready);
    for (const Event& event : ready) {
      std::vector<uint32_t> held;
      engine.match(event, matcher, held);
      engine.conclude(event, held, hits);
      if (capture) capture->write(event);
      if (!event.silent) result.events += dump(event, rules->schema()) + lineage(event) + "\n";
    }
    if (capture) capture->settle(now_ns += CaptureWriter::kFlushNs);
  }
  if (capture) capture->close();
  result.digest = hex(engine.hits_digest().value());
  result.hits = engine.counters().hits;
  return result;
}

// Every path that a capture of this name has, latest parts first: the order must not matter.
std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (int64_t part = 1; std::filesystem::exists(part_path(path, part)); ++part)
    parts.insert(parts.begin(), part_path(path, part));
  return parts;
}

// Lines as foreign tools may write them: late, without time or pid, with fields nobody knows.
class RandomLines {
 public:
  explicit RandomLines(unsigned seed) : random_(seed) {}

  std::string lines(size_t count, int64_t first_ms) {
    std::string text;
    time_us_ = first_ms * 1000;
    for (size_t i = 0; i < count; ++i) text += line() + "\n";
    return text;
  }

 private:
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }

  std::string line() {
    static const char* const kActions[] = {"exec",
                                           "exec",
                                           "fork",
                                           "end",
                                           "uid_change",
                                           "exec",
                                           "uid_change",
                                           "gid_change",
                                           "session_id_change",
                                           "already_running"};
    static const char* const kPrograms[] = {"/bin/sh", "/usr/bin/sudo", "/bin/id"};
    time_us_ += static_cast<int64_t>(below(6000));
    const int64_t late_us = below(5) == 0 ? static_cast<int64_t>(below(20'000)) : 0;
    const std::string action = kActions[below(std::size(kActions))];
    const std::string pid = std::to_string(2 + below(6));
    std::string text = R"({"process":{"pid":)" + pid;
    if (below(3) != 0) text += R"(,"user":{"id":)" + std::to_string(below(2) * 1000) + "}";
    if (below(3) == 0) text += R"(,"real_user.id":1000)";
    if (action == "fork") text += R"(,"parent":{"pid":)" + std::to_string(2 + below(6)) + "}";
    if (action == "exec") text += std::string(R"(,"executable":")") + kPrograms[below(3)] + "\"";
    if (below(7) == 0) text += R"(,"start":")" + format_rfc3339(time_us_ * 1000) + "\"";
    text += "}";
    if (below(9) != 0) text += R"(,"event.action":")" + action + "\"";
    if (below(9) != 0) text += R"(,"@timestamp":")" + format_rfc3339((time_us_ - late_us) * 1000) + "\"";
    if (below(11) == 0) text += R"(,"vendor":{"score":)" + std::to_string(below(9)) + R"(,"text":"\u00e9"})";
    if (below(11) == 0) text += ",\"bytes\":\"\xff\"";
    if (below(9) == 0) text += R"(,"detectd":{"missing":["process.parent.pid"]})";
    return text + "}";
  }

  std::mt19937 random_;
  int64_t time_us_ = 0;
};

}  // namespace

TEST_CASE("a capture of a replay, whole or in parts, gives the same events and the same hits", "[capture]") {
  const auto rules = testing::compile_toml(kRules);
  uint64_t hits = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    const TempDir dir;
    RandomLines lines(seed);
    dir.write("a.jsonl", lines.lines(200, 1000));
    dir.write("b.jsonl", R"({"detectd":{"capture":1,"boot_id":"b","host":{"id":"h2","name":"two"}}})"
                         "\n" +
                             lines.lines(150, 1200));
    const std::vector<std::string> both = {dir.path("a.jsonl"), dir.path("b.jsonl")};
    const RunResult direct = run(both, rules);
    hits += direct.hits;
    for (const char* const name : {"c.jsonl", "c.jsonl.gz", "c.zst"}) {
      for (const uint64_t max_bytes : {0, 3000}) {
        CAPTURE(seed, name, max_bytes);
        const std::string path = dir.path(std::to_string(max_bytes) + name);
        const RunResult writing =
            run(both, rules, {.path = path, .max_bytes = max_bytes, .chunk_events = 1 + seed * 3});
        CHECK(writing.told.empty());
        CHECK(writing.digest == direct.digest);
        const auto parts = parts_of(path);
        if (max_bytes != 0 && path.ends_with(".jsonl")) CHECK(parts.size() > 3);
        const RunResult again = run(parts, rules);
        REQUIRE(again.events == direct.events);
        CHECK(again.digest == direct.digest);
        // And a capture of that one.
        run(parts, rules, {.path = dir.path("again" + std::to_string(max_bytes) + name)});
        CHECK(run({dir.path("again" + std::to_string(max_bytes) + name)}, rules).events == direct.events);
      }
    }
  }
  CHECK(hits > 500);
}

}  // namespace detectd
