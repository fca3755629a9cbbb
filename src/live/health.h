// What detectd has to say of itself or of its view of the host, as events: HEALTH in detectd-events(5). The built-in
// rules make hits of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/event_clock.h"
#include "src/boot_clock.h"
#include "src/enrich/program_watch.h"
#include "src/live/proc_mounts.h"

namespace detectd {

struct HealthReport {
  std::string_view reason;  // event.reason: the name of the built-in rule
  std::string message;      // detectd.message
  std::optional<uint32_t> pid = std::nullopt;
};
// Writes over `event`.
void to_event(const HealthReport& report, const Moment& moment, std::string_view source, Event& event);

// That a process wrote over its arguments, or says that it runs another file.
HealthReport report_of(const ProgramChange& change);

// That a process is hidden from who reads /proc.
HealthReport report_of(const ProcMount& mount);

// Of the clocks; counts only grow.
struct ClockJumps {
  uint64_t sets = 0;  // of the wall clock
  int64_t last_set_ns = 0;
  uint64_t suspends = 0;
  int64_t last_suspend_ns = 0;

  void add(const BootClock::Jump& jump);
};

// What a run has counted that somebody should hear of. Counts only grow.
struct HealthSigns {
  ClockJumps jumps = {};
  uint64_t failed_lists = 0;    // of all processes
  std::string list_error = {};  // of the last one
  uint64_t forks = 0;           // of processes
  uint64_t forged = 0;          // messages
  uint64_t priority_losses = 0;
  uint64_t silences = 0;    // Receiver::Counters
  int64_t stuck_ns = 0;     // Collector::stuck_ns()
  uint64_t unanswered = 0;  // FileHash::Counters
  uint64_t slow_events = 0;
  int64_t slowest_event_ns = 0;  // since slow events were told of last
  std::optional<uint32_t> slowest_pid = std::nullopt;
};

// Tells what is new; what somebody could make a flood of, once a minute at most.
class HealthWatch {
 public:
  static constexpr int64_t kQuietNs = 60'000'000'000;
  // More forks a second are a fork bomb, or as bad as one.
  static constexpr uint64_t kForksPerSecond = 2000;
  // Reading a process does not take so long.
  static constexpr int64_t kStuckNs = 5'000'000'000;

  std::vector<HealthReport> look(const HealthSigns& signs, int64_t now_ns);

 private:
  // Since the last look.
  uint64_t forks_per_second(const HealthSigns& signs, int64_t now_ns) const;

  HealthSigns told_;
  std::optional<int64_t> slow_told_ns_;
  std::optional<int64_t> forged_told_ns_;
  std::optional<int64_t> forks_told_ns_;
  std::optional<int64_t> silence_told_ns_;
  std::optional<int64_t> unanswered_told_ns_;
  std::optional<int64_t> looked_ns_;
  bool is_stuck_ = false;
};

// `2.5 s`, `3 h 20 min`: in words, of a length above zero.
std::string duration_text(int64_t duration_ns);

}  // namespace detectd
