#include "src/live/health.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/live/receiver.h"
#include "src/text.h"

namespace detectd {
namespace {

std::string clock_text(int64_t jump_ns) {
  return std::string("the wall clock was set ") + (jump_ns < 0 ? "back" : "forward") + " by " +
         duration_text(std::llabs(jump_ns)) + "; the order of events and windows do not follow it";
}

// Whether so many new ones are to be told now.
bool is_due(uint64_t fresh, std::optional<int64_t>& told_ns, int64_t now_ns) {
  if (fresh == 0 || (told_ns && now_ns - *told_ns < HealthWatch::kQuietNs)) return false;
  told_ns = now_ns;
  return true;
}

}  // namespace

void to_event(const HealthReport& report, const Moment& moment, std::string_view source, Event& event) {
  event.clear();
  event.kind = EventKind::kHealth;
  event.has_time = true;
  event.time_ns = moment.time_ns;
  event.host = moment.host;
  if (moment.boot_ns) event.set_integer(field::kBootNs, *moment.boot_ns);
  event.set_text(field::kSource, source);
  event.set_text(field::kReason, report.reason);
  event.set_text(field::kMessage, report.message);
  if (report.pid) event.set_integer(process_field(Leaf::kPid), *report.pid);
}

HealthReport report_of(const ProgramChange& change) {
  std::string now;
  replace_invalid_utf8(change.now, now);
  using What = ProgramChange::What;
  if (change.what == What::kExecutable) {
    return {
        .reason = "executable_changed",
        .message = "without an exec the process is now said to run " + (now.empty() ? "another file" : now),
        .pid = change.pid};
  }
  std::string message = change.what == What::kMovedArguments
                            ? "the process moved its arguments after its exec; "
                            : "the process changed its arguments after its exec; ";
  message += now.empty() ? "there are none now" : "now they are: " + now;
  return {.reason = "argv_changed", .message = std::move(message), .pid = change.pid};
}

HealthReport report_of(const ProcMount& mount) {
  std::string place;
  replace_invalid_utf8(mount.place, place);
  return {.reason = "proc_mount",
          .message = "something is mounted on " + place + ", which hides the process from who reads /proc",
          .pid = mount.pid};
}

void ClockJumps::add(const BootClock::Jump& jump) {
  if (jump.wall_ns != 0) {
    ++sets;
    last_set_ns = jump.wall_ns;
  }
  if (jump.suspend_ns != 0) {
    ++suspends;
    last_suspend_ns = jump.suspend_ns;
  }
}

std::vector<HealthReport> HealthWatch::look(const HealthSigns& signs, int64_t now_ns) {
  std::vector<HealthReport> reports;
  const ClockJumps& jumps = signs.jumps;
  if (jumps.sets != told_.jumps.sets)
    reports.push_back({.reason = "clock_set", .message = clock_text(jumps.last_set_ns)});
  if (jumps.suspends != told_.jumps.suspends) {
    reports.push_back(
        {.reason = "suspended", .message = "the host slept for " + duration_text(jumps.last_suspend_ns)});
  }
  if (signs.failed_lists != told_.failed_lists) {
    reports.push_back({.reason = "processes_unlisted",
                       .message = signs.list_error + "; not all processes that run already are known"});
  }
  if (signs.priority_losses != told_.priority_losses) {
    reports.push_back(
        {.reason = "priority_lost",
         .message = "the receive thread ran too long without a pause and is no longer scheduled "
                    "in real time until it has caught up: command lines of short programs may be missing"});
  }
  // Whoever was stopped himself did not see others turn.
  const bool was_stopped = looked_ns_ && now_ns - *looked_ns_ > kStuckNs / 2;
  if (signs.stuck_ns >= kStuckNs && !was_stopped && !is_stuck_) {
    reports.push_back(
        {.reason = "stuck",
         .message = "for " + duration_text(signs.stuck_ns) +
                    " reading of a process has not come to an end, as from a file system that does not "
                    "answer: what happens meanwhile is not judged"});
  }
  is_stuck_ = signs.stuck_ns >= kStuckNs && (is_stuck_ || !was_stopped);
  HealthSigns told = signs;
  if (is_due(signs.silences - told_.silences, silence_told_ns_, now_ns)) {
    reports.push_back(
        {.reason = "untold",
         .message = "the kernel did not hand over " + std::to_string(Receiver::kUntoldInARow) +
                    " programs in a row; until it does again they are read from /proc, and some that end at "
                    "once will have no command line"});
  } else {
    told.silences = told_.silences;
  }
  if (is_due(signs.unanswered - told_.unanswered, unanswered_told_ns_, now_ns)) {
    reports.push_back(
        {.reason = "unanswered",
         .message = "a file system is slow, or does not answer: of " +
                    std::to_string(signs.unanswered - told_.unanswered) +
                    " programs that were begun no hash is known, and rules about hashes did not see them"});
  } else {
    told.unanswered = told_.unanswered;
  }
  const uint64_t forks = forks_per_second(signs, now_ns);
  looked_ns_ = now_ns;
  if (forks >= kForksPerSecond && is_due(forks, forks_told_ns_, now_ns)) {
    reports.push_back(
        {.reason = "fork_rate",
         .message = std::to_string(forks) + " processes a second were created: is this a fork bomb?"});
  }
  if (is_due(signs.forged - told_.forged, forged_told_ns_, now_ns)) {
    reports.push_back({.reason = "forged",
                       .message = plural(signs.forged - told_.forged, "message") +
                                  " came as if from the kernel, and not from it; dropped"});
  } else {
    told.forged = told_.forged;
  }
  if (is_due(signs.slow_events - told_.slow_events, slow_told_ns_, now_ns)) {
    reports.push_back({.reason = "slow_event",
                       .message = plural(signs.slow_events - told_.slow_events, "event") +
                                  " took longer to judge than engine.slow_event, the slowest " +
                                  duration_text(signs.slowest_event_ns),
                       .pid = signs.slowest_pid});
  } else {
    told.slow_events = told_.slow_events;
  }
  told_ = told;
  return reports;
}

uint64_t HealthWatch::forks_per_second(const HealthSigns& signs, int64_t now_ns) const {
  if (!looked_ns_ || now_ns <= *looked_ns_) return 0;
  const double seconds = static_cast<double>(now_ns - *looked_ns_) / kNanosPerSecond;
  return static_cast<uint64_t>(static_cast<double>(signs.forks - told_.forks) / seconds);
}

std::string duration_text(int64_t duration_ns) {
  const double seconds = static_cast<double>(duration_ns) / kNanosPerSecond;
  const auto whole = duration_ns / kNanosPerSecond;
  std::array<char, 64> text{};
  if (whole >= 86'400) {
    std::snprintf(text.data(), text.size(), "%lld d %lld h", static_cast<long long>(whole / 86'400),
                  static_cast<long long>(whole % 86'400 / 3600));
  } else if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%lld h %lld min", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole % 3600 / 60));
  } else if (duration_ns >= kNanosPerSecond) {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  } else {
    std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1000);
  }
  return text.data();
}

}  // namespace detectd
