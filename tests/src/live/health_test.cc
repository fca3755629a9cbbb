#include "src/live/health.h"

#include <catch2/catch.hpp>

namespace detectd {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::string show(const std::vector<HealthReport>& reports) {
  std::string text;
  for (const HealthReport& report : reports) {
    text += std::string(report.reason) + ": " + report.message;
    if (report.pid) text += " (pid " + std::to_string(*report.pid) + ")";
    text += "\n";
  }
  return text;
}

ClockReading at(int64_t boot_ns, int64_t wall_ns) {
  return {.wall_ns = wall_ns, .boot_ns = boot_ns, .monotonic_ns = boot_ns};
}

}  // namespace

TEST_CASE("TRUST 12: a wall clock that is set by more than two seconds is told, once each time", "[live]") {
  struct Case {
    int64_t jump_ns;
    const char* told;
  };
  const Case cases[] = {
      {0, ""},
      {1'900'000'000, ""},
      {-1'900'000'000, ""},
      {2'500'000'000, "forward by 2.5 s"},
      {-90 * kSecond, "back by 90.0 s"},
      {-7300 * kSecond, "back by 2 h 1 min"},
      {86'400 * kSecond, "forward by 1 d 0 h"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.jump_ns);
    BootClock clock(at(100 * kSecond, 1'000'000 * kSecond));
    HealthWatch health;
    HealthSigns signs;
    CHECK(show(health.look(signs, 0)).empty());
    signs.jumps.add(clock.update(at(101 * kSecond, 1'000'001 * kSecond + c.jump_ns)));
    const std::string told = show(health.look(signs, kSecond));
    if (*c.told == '\0') {
      CHECK(told.empty());
    } else {
      CHECK(told == std::string("clock_set: the wall clock was set ") + c.told +
                        "; the order of events and windows do not follow it\n");
    }
    signs.jumps.add(clock.update(at(102 * kSecond, 1'000'002 * kSecond + c.jump_ns)));
    CHECK(show(health.look(signs, 2 * kSecond)).empty());
  }
}

TEST_CASE("a clock that is set forward and back again is told twice", "[live]") {
  HealthWatch health;
  HealthSigns signs;
  signs.jumps.add({.wall_ns = 5 * kSecond});
  CHECK(health.look(signs, 0).size() == 1);
  signs.jumps.add({.wall_ns = -5 * kSecond});
  CHECK(health.look(signs, 0).size() == 1);
}

TEST_CASE("TRUST 13: a host that slept is told of", "[live]") {
  HealthWatch health;
  HealthSigns signs;
  signs.jumps.add({.suspend_ns = 3 * 3600 * kSecond});
  CHECK(show(health.look(signs, 0)) == "suspended: the host slept for 3 h 0 min\n");
  CHECK(health.look(signs, 0).empty());
}

TEST_CASE("TRUST 75: slow events are told at once, and then once a minute at most", "[live]") {
  HealthWatch health;
  HealthSigns signs{.slow_events = 1, .slowest_event_ns = 7'250'000, .slowest_pid = 77};
  CHECK(show(health.look(signs, 0)) ==
        "slow_event: 1 event took longer to judge than engine.slow_event, the slowest 7.2 ms (pid 77)\n");
  signs.slow_events = 41;
  CHECK(health.look(signs, HealthWatch::kQuietNs - 1).empty());
  signs.slowest_event_ns = 2 * kSecond;
  CHECK(show(health.look(signs, HealthWatch::kQuietNs)) ==
        "slow_event: 40 events took longer to judge than engine.slow_event, the slowest 2.0 s (pid 77)\n");
  CHECK(health.look(signs, 3 * HealthWatch::kQuietNs).empty());
}

TEST_CASE("TRUST 89: forged messages are told at once, and then once a minute at most", "[live]") {
  HealthWatch health;
  HealthSigns signs{.forged = 10};
  CHECK(show(health.look(signs, 0)) ==
        "forged: 10 messages came as if from the kernel, and not from it; dropped\n");
  signs.forged = 11;
  CHECK(health.look(signs, HealthWatch::kQuietNs - 1).empty());
  CHECK(show(health.look(signs, HealthWatch::kQuietNs)) ==
        "forged: 1 message came as if from the kernel, and not from it; dropped\n");
}

TEST_CASE("TRUST 73: as many forks as a fork bomb makes are told, once a minute at most", "[live]") {
  constexpr uint64_t kMany = HealthWatch::kForksPerSecond;
  HealthWatch health;
  // What was before it began to look is not its business.
  CHECK(health.look({.forks = 1'000'000}, 0).empty());
  CHECK(health.look({.forks = 1'000'000 + kMany - 1}, kSecond).empty());
  CHECK(show(health.look({.forks = 1'000'000 + 3 * kMany - 1}, 2 * kSecond)) ==
        "fork_rate: 4000 processes a second were created: is this a fork bomb?\n");
  CHECK(health.look({.forks = 1'000'000 + 6 * kMany}, 3 * kSecond).empty());
  // As many in ten seconds are none.
  CHECK(health.look({.forks = 1'000'000 + 8 * kMany}, 100 * kSecond).empty());
  CHECK(health.look({.forks = 1'000'000 + 10 * kMany}, 101 * kSecond).size() == 1);
}

TEST_CASE("a reading that does not end is told once, until it went on", "[live]") {
  HealthWatch health;
  CHECK(health.look({.stuck_ns = HealthWatch::kStuckNs - 1}, 0).empty());
  CHECK(show(health.look({.stuck_ns = HealthWatch::kStuckNs}, kSecond)) ==
        "stuck: for 5.0 s reading of a process has not come to an end, as from a file system that does not "
        "answer: what happens meanwhile is not judged\n");
  CHECK(health.look({.stuck_ns = 2 * HealthWatch::kStuckNs}, 2 * kSecond).empty());
  CHECK(health.look({}, 3 * kSecond).empty());
  CHECK(health.look({.stuck_ns = HealthWatch::kStuckNs}, 4 * kSecond).size() == 1);
  // Who looks was stopped himself, as all of detectd.
  CHECK(health.look({}, 5 * kSecond).empty());
  CHECK(health.look({.stuck_ns = HealthWatch::kStuckNs}, 15 * kSecond).empty());
  CHECK(health.look({.stuck_ns = HealthWatch::kStuckNs}, 16 * kSecond).size() == 1);
}

TEST_CASE("programs that could not be read in time are counted, once a minute at most", "[live]") {
  HealthWatch health;
  CHECK(show(health.look({.unanswered = 2}, 0)) ==
        "unanswered: a file system is slow, or does not answer: of 2 programs that were begun no hash is "
        "known, and "
        "rules about hashes did not see them\n");
  CHECK(health.look({.unanswered = 5}, HealthWatch::kQuietNs - 1).empty());
  CHECK_THAT(show(health.look({.unanswered = 6}, HealthWatch::kQuietNs)), Catch::Contains("of 4 programs"));
}

TEST_CASE("a kernel that hands over no program any more is told, once a minute at most", "[live]") {
  HealthWatch health;
  CHECK(show(health.look({.silences = 1}, 0)) ==
        "untold: the kernel did not hand over 8 programs in a row; until it does again they are read from "
        "/proc, and some that end at once will have no command line\n");
  CHECK(health.look({.silences = 2}, HealthWatch::kQuietNs - 1).empty());
  CHECK(health.look({.silences = 2}, HealthWatch::kQuietNs).size() == 1);
}

TEST_CASE("what else goes wrong is told each time that it does", "[live]") {
  HealthWatch health;
  HealthSigns signs{.failed_lists = 1, .list_error = "no", .priority_losses = 2};
  CHECK(show(health.look(signs, 0)) ==
        "processes_unlisted: no; not all processes that run already are known\n"
        "priority_lost: the receive thread ran too long without a pause and is no longer scheduled in real "
        "time until "
        "it has caught up: command lines of short programs may be missing\n");
  CHECK(health.look(signs, 0).empty());
  ++signs.failed_lists;
  CHECK(health.look(signs, 0).size() == 1);
}

TEST_CASE("TRUST 33: what a process says of itself stands in a message as text", "[live]") {
  const HealthReport report = report_of(ProgramChange{.pid = 7, .now = "sh \xff\x1b[2J"});
  CHECK(report.message ==
        "the process changed its arguments after its exec; now they are: sh \xef\xbf\xbd\x1b[2J");
  CHECK(report_of(ProgramChange{.pid = 7, .what = ProgramChange::What::kMovedArguments, .now = ""}).message ==
        "the process moved its arguments after its exec; there are none now");
}

}  // namespace detectd
