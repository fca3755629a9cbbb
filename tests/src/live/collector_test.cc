#include "src/live/collector.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "src/host_identity.h"
#include "tests/support/events.h"
#include "tests/support/fake_connector.h"
#include "tests/support/fake_records.h"
#include "tests/support/shell_rules.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

using test::FakeSocket;
using test::make;

constexpr uint32_t kNobody = 4'194'300;  // no process has it

// A collector whose kernel tells what a test says. Its procfs is a directory of the test's.
struct Setting {
  explicit Setting(Collector::Options options, std::unique_ptr<ExecRecords> records = nullptr) {
    auto made = std::make_unique<FakeSocket>();
    socket = made.get();
    options.heartbeat_ns = 3'600'000'000'000;
    collector.emplace(std::move(made), std::move(records),
                      std::make_shared<const CaptureHost>(read_host_identity()), options);
    ProcEvent beat = make(ProcWhat::kFork, static_cast<uint32_t>(getpid()));
    beat.thread = kNobody;
    socket->give(beat);
    REQUIRE(collector->start());
  }

  // What comes until `enough` says so.
  std::map<std::string, size_t> count_until(const std::function<bool(const Event&)>& enough) {
    std::map<std::string, size_t> kinds;
    const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
    while (true) {
      REQUIRE(steady_clock_ns() < until_ns);
      REQUIRE(collector->next(chunk));
      for (const Event& event : chunk) {
        ++kinds[std::string(to_string(event.kind))];
        if (enough(event)) return kinds;
      }
    }
  }

  FakeSocket* socket = nullptr;
  std::optional<Collector> collector;
  std::vector<Event> chunk;
};

int64_t number(const Event& event, FieldId id) { return event.find_carried(id).number; }

}  // namespace

TEST_CASE("what could not be judged when the time to end is up is counted, to the event", "[live][threads]") {
  constexpr size_t kEvents = 3000;  // more than wait to be judged
  Setting setting({.max_drain_ns = 0, .snapshot = false});
  for (size_t i = 0; i < kEvents; ++i) setting.socket->give(make(ProcWhat::kExec, kNobody));
  setting.collector->stop();
  size_t given = 0;
  int64_t lost = 0;
  size_t losses = 0;
  while (*setting.collector->next(setting.chunk)) {
    for (const Event& event : setting.chunk) {
      if (event.kind == EventKind::kExec) ++given;
      if (event.kind != EventKind::kLost) continue;
      ++losses;
      lost += number(event, field::kLost);
    }
  }
  CHECK(losses == 1);
  CHECK(given + static_cast<size_t>(lost) == kEvents);
  CHECK(lost > 0);
}

TEST_CASE("what can be judged in time is no loss", "[live][threads]") {
  Setting setting({.snapshot = false});
  for (size_t i = 0; i < 3000; ++i) setting.socket->give(make(ProcWhat::kExec, kNobody));
  setting.collector->stop();
  std::map<EventKind, size_t> kinds;
  while (*setting.collector->next(setting.chunk)) {
    for (const Event& event : setting.chunk) ++kinds[event.kind];
  }
  CHECK(kinds == std::map<EventKind, size_t>{{EventKind::kExec, 3000}});
}

TEST_CASE("TRUST 87: a list of processes that can not be had is counted, and what follows is told",
          "[live][threads]") {
  const TempDir empty;
  const Fd directory(open(empty.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct Case {
    int procfs;
    const char* error;
  };
  const Case cases[] = {
      {-1, "list the processes of procfs: Bad file descriptor"},
      {directory.number(), "processes of others are hidden (hidepid=, or a masked /proc)"},
  };
  for (const Case& c : cases) {
    Setting setting({.procfs = c.procfs});
    setting.socket->give(make(ProcWhat::kExec, kNobody));
    setting.count_until([](const Event& event) { return event.kind == EventKind::kExec; });
    CHECK(setting.collector->counters().failed_lists == 1);
    CHECK(setting.collector->counters().list_error == c.error);

    // The look at all processes after a loss is one more.
    setting.socket->lose(7);
    setting.socket->give(make(ProcWhat::kExec, kNobody));
    setting.count_until([](const Event& event) { return event.kind == EventKind::kLost; });
    setting.socket->give(make(ProcWhat::kExec, kNobody - 1));
    setting.count_until(
        [](const Event& event) { return number(event, process_field(Leaf::kPid)) == kNobody - 1; });
    CHECK(setting.collector->counters().failed_lists == 2);
  }
}

TEST_CASE("TRUST 74: after a loss that follows soon all processes are looked at again, too",
          "[live][threads]") {
  const TempDir empty;
  const Fd directory(open(empty.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Setting setting({.procfs = directory.number(), .rescan_ns = 1'000'000'000, .snapshot = false});
  const auto is_loss = [](const Event& event) { return event.kind == EventKind::kLost; };
  for (int losses = 0; losses < 2; ++losses) {
    setting.socket->lose(7);
    setting.socket->give(make(ProcWhat::kExec, kNobody));
    setting.count_until(is_loss);
  }
  const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
  while (setting.collector->counters().rescans < 2 && steady_clock_ns() < until_ns) {
    REQUIRE(setting.collector->next(setting.chunk));
  }
  CHECK(setting.collector->counters().rescans == 2);
}

TEST_CASE("a reading that does not end is seen, and that it went on", "[live][threads]") {
  const TempDir procfs;
  const std::string process = procfs.path(std::to_string(kNobody));
  const std::string never = process + "/stat";
  REQUIRE(mkdir(process.c_str(), 0700) == 0);
  // Whoever opens it waits for somebody who writes.
  REQUIRE(mkfifo(never.c_str(), 0600) == 0);
  const Fd directory(open(procfs.path("").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Setting setting({.procfs = directory.number()});
  const int64_t until_ns = steady_clock_ns() + 20'000'000'000;
  const auto turn_while = [&](const auto& condition) {
    while (condition(setting.collector->stuck_ns()) && steady_clock_ns() < until_ns) {
      REQUIRE(setting.collector->next(setting.chunk));
    }
  };
  turn_while([](int64_t stuck_ns) { return stuck_ns < 1'200'000'000; });
  CHECK(setting.collector->stuck_ns() >= 1'200'000'000);
  Fd writer(open(never.c_str(), O_WRONLY | O_CLOEXEC));
  // Nobody is to wait for it again.
  unlink(never.c_str());
  writer.reset();
  turn_while([](int64_t stuck_ns) { return stuck_ns >= 1'200'000'000; });
  CHECK(setting.collector->stuck_ns() < 1'200'000'000);
}

TEST_CASE("programs that the kernel tells of need no /proc", "[live][threads]") {
  for (const bool asked : {true, false}) {
    INFO("a rule may hold: " << asked);
    auto made = std::make_unique<test::FakeRecords>();
    test::FakeRecords& records = *made;
    Setting setting({.snapshot = false}, std::move(made));
    if (!asked) setting.collector->read_for(test::rules_about_shells());
    const ProcEvent exec = make(ProcWhat::kExec, kNobody);
    records.give({.pid = kNobody, .monotonic_ns = exec.monotonic_ns - 1000});
    setting.socket->give(exec);
    std::optional<Event> told;
    setting.count_until([&](const Event& event) {
      if (event.kind == EventKind::kExec) told = event;
      return told.has_value();
    });
    CHECK(told->find_carried(field::kSource).text == "ebpf");
    CHECK(told->find_carried(process_field(Leaf::kExecutable)).text == "/usr/bin/cat");
    CHECK(test::show(*told, "process.args") == "cat|-");
    CHECK(told->carries(process_field(Leaf::kMountNamespace)) == asked);
    // What was told is still there when a hit asks for it, the process or not.
    setting.collector->complete(*told);
    CHECK(told->carries(process_field(Leaf::kMountNamespace)));
    CHECK(number(*told, field::kLagUs) == 0);
  }
}

TEST_CASE("what is told of detectd itself is an event among the others", "[live][threads]") {
  Setting setting({.snapshot = false});
  setting.collector->tell({.reason = "slow_event", .message = "it took long", .pid = 7});
  std::string told;
  setting.count_until([&](const Event& event) {
    if (event.kind != EventKind::kHealth) return false;
    told = std::string(event.find_carried(field::kReason).text) + ": " +
           std::string(event.find_carried(field::kMessage).text) + ", of " +
           std::to_string(number(event, process_field(Leaf::kPid)));
    return true;
  });
  CHECK(told == "slow_event: it took long, of 7");
}

}  // namespace detectd
