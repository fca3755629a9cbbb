#include "src/live/collector.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "src/host_identity.h"
#include "tests/support/fake_connector.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

using test::FakeSocket;
using test::make;

constexpr uint32_t kNobody = 4'194'300;  // no process has it

// A collector whose kernel tells what a test says. Its procfs is a directory of the test's.
struct Setting {
  explicit Setting(Collector::Options options) {
    auto made = std::make_unique<FakeSocket>();
    socket = made.get();
    options.heartbeat_ns = 3'600'000'000'000;
    collector.emplace(std::move(made), nullptr, std::make_shared<const CaptureHost>(read_host_identity()),
                      options);
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
