// What the shipped rules find in the captures that come with detectd.
#include <catch2/catch.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "src/sources/replay.h"
#include "tests/support/shipped_rules.h"
#include "tests/support/source_dir.h"

using namespace detectd;
using namespace detectd::test;

namespace {

struct Found {
  uint64_t events = 0;
  uint64_t skipped = 0;
  size_t warnings = 0;
  std::map<std::string, size_t> hits;  // by rule

  size_t total() const {
    size_t sum = 0;
    for (const auto& [rule, count] : hits) sum += count;
    return sum;
  }
};

std::string to_string(const Found& found) {
  std::string text = std::to_string(found.events) + " events";
  if (found.skipped > 0) text += ", " + std::to_string(found.skipped) + " skipped";
  for (const auto& [rule, count] : found.hits) text += "\n" + rule + " " + std::to_string(count);
  return text;
}

class Judge {
 public:
  explicit Judge(std::shared_ptr<const RuleSet> rules) : engine_(rules, {}), matcher_(*rules) {}

  void judge(std::vector<Event>& ready, Found& found) {
    for (const Event& event : ready) {
      held_.clear();
      engine_.match(event, matcher_, held_);
      std::vector<Hit> hits;
      engine_.conclude(event, held_, hits);
      count(hits, found);
    }
    ready.clear();
  }
  void finish(Found& found) {
    std::vector<Hit> folds;
    engine_.finish(folds);
    count(folds, found);
  }
  Engine& engine() { return engine_; }

 private:
  // Folded ones too.
  static void count(const std::vector<Hit>& hits, Found& found) {
    for (const Hit& hit : hits) found.hits[hit.rule->name] += hit.fold ? hit.count - 1 : 1;
  }

  Engine engine_;
  Matcher matcher_;
  std::vector<uint32_t> held_;
};

Found search(const std::string& path) {
  const ShippedRules shipped = load_shipped_rules();
  WorkerPool workers(1);
  Diagnostics diagnostics;
  ReplayOptions options;
  options.paths = {path};
  auto source = ReplaySource::open(options, shipped.rules->schema(), workers, diagnostics);
  REQUIRE(source);

  Judge judge(shipped.rules);
  Found found;
  std::vector<Event> chunk;
  std::vector<Event> ready;
  for (;;) {
    const Result<bool> more = (*source)->next(chunk);
    REQUIRE(more);
    if (!*more) break;
    for (Event& event : chunk) judge.engine().observe(event, ready);
    judge.judge(ready, found);
  }
  judge.engine().flush(ready);
  judge.judge(ready, found);
  judge.finish(found);
  found.events = (*source)->report().events;
  found.skipped = (*source)->report().skipped;
  found.warnings = (*source)->report().diagnostics.all().size();
  return found;
}

const std::string kCaptures = test::source_dir() + "/examples/captures/";

}  // namespace

TEST_CASE("the way from the web server to root is seen at every step", "[shipped_rules]") {
  const Found found = search(kCaptures + "web-to-root.jsonl");
  CHECK(to_string(found) ==
        "154 events\n"
        "cron_job_installed 1\n"
        "download_piped_to_shell 1\n"
        "download_then_execute 2\n"
        "hidden_directory_created 2\n"
        "kernel_thread_masquerade 1\n"
        "log_or_history_cleared 1\n"
        "program_from_memory 3\n"
        "reverse_shell 5\n"
        "setuid_file_search 1\n"
        "setuid_in_writable_directory 1\n"
        "shadow_file_read 1\n"
        "unknown_setuid_escalation 1\n"
        "web_server_reconnaissance 7\n"
        "web_server_spawns_shell 7");
  CHECK(found.warnings == 0);
}

TEST_CASE("only the tracing of root's process by others is reported", "[shipped_rules]") {
  const Found found = search(kCaptures + "ptrace-root.jsonl");
  CHECK(to_string(found) == "127 events\nptrace_of_privileged_process 2");
}

TEST_CASE("ordinary administration gives no hit", "[shipped_rules]") {
  const Found found = search(kCaptures + "admin-hour.jsonl.zst");
  CHECK(to_string(found) == "1028 events");
  CHECK(found.warnings == 0);
}

TEST_CASE("a day of administration gives few hits, and none of them is an escalation", "[shipped_rules]") {
  const std::string day = test::source_dir() + "/../shared/data/ecs/admin-day-open.jsonl.gz";
  if (!std::filesystem::exists(day)) {
    WARN("skipped: no " << day);
    return;
  }
  const Found found = search(day);
  CAPTURE(to_string(found));
  CHECK(found.events == 154'044);
  CHECK(found.skipped == 0);
  CHECK(found.total() >= 20);
  CHECK(found.total() <= 60);
  CHECK_FALSE(found.hits.contains("unknown_setuid_escalation"));
}
