// Execs that have not happened yet, as events: told of by the guard, filled with what would run, judged at once,
// and answered. A thread of its own, with a queue into the reordering of events.
//
// An event has the time of its verdict: what follows from the exec comes after it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "engine/event.h"
#include "src/boot_clock.h"
#include "src/enrich/coming_exec.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "src/live/exec_guard.h"
#include "src/live/exec_judge.h"
#include "src/live/spsc_queue.h"
#include "src/live/timed_event.h"

namespace detectd {

class ExecChecks {
 public:
  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    size_t max_argv_bytes = ExecReader::kMaxArgvBytes;
    Enricher::Options enricher{};
    // Called by the thread when there is something to pop().
    std::function<void()> wake = {};
    // Called once, by the thread, when execs are watched no longer: why.
    std::function<void(const std::string&)> gone = {};
  };
  // Read by any thread.
  struct Counters {
    std::atomic<uint64_t> judged{0};
    std::atomic<uint64_t> loaders{0};  // opened for a program that was judged
    std::atomic<uint64_t> denied{0};
    std::atomic<uint64_t> too_late{0};  // would have been denied, had the verdict come in time
    std::atomic<uint64_t> refused{0};   // a rule would deny it, and it went on
    std::atomic<uint64_t> not_told{0};  // judged, and no room to tell of it
    std::atomic<uint64_t> slowest_us{0};
  };

  // `clock` is kept by reference.
  ExecChecks(const BootClock& clock, std::shared_ptr<const CaptureHost> host,
             std::unique_ptr<ExecGuard> guard, std::shared_ptr<ExecJudge> judge, Options options);
  // All execs go on from here.
  ~ExecChecks();
  ExecChecks(const ExecChecks&) = delete;
  ExecChecks& operator=(const ExecChecks&) = delete;

  void start();
  // Ends the watching; what was found can still be popped. Does not wait.
  void stop() { stopping_ = true; }

  // The other thread's side.
  bool pop(TimedEvent& event) { return queue_.pop(event); }
  size_t size() const { return queue_.size(); }
  // No event from before now is on its way to the queue.
  bool idle() const { return !telling_.load(); }
  // Nothing follows what is in the queue.
  bool ended() const { return ended_.load(); }
  // Whether execs are watched.
  bool watching() const { return !ended_.load(); }

  // To be called every second or so: a guard that stands still is ended, so that execs go on.
  void look_after_guard(int64_t now_ns);

  const Counters& counters() const { return counters_; }
  const GuardCounters& guard() const { return guard_->counters(); }

 private:
  void run();
  void take(ExecQuestion& question);
  void settle(const GuardMessage& message);
  bool is_loader(uint32_t pid) const;
  void foresee();
  void fill(uint32_t pid, const Fd& file, int64_t monotonic_ns, Event& event);
  void fill_ancestry(Event& event);
  void tell(Event& event, ExecVerdict verdict);
  bool push(Event& event);
  bool tell_loss();

  const BootClock& clock_;
  std::shared_ptr<const CaptureHost> host_;
  std::unique_ptr<ExecGuard> guard_;
  std::shared_ptr<ExecJudge> judge_;
  Options options_;
  RealProcfs procfs_;
  ExecReader reader_;
  ComingExecReader coming_;
  Enricher enricher_;
  Counters counters_;

  SpscQueue<TimedEvent> queue_{4096};
  std::atomic<bool> telling_{false};
  std::atomic<bool> ended_{false};
  std::atomic<bool> stopping_{false};
  std::thread thread_;

  // The thread's own.
  std::shared_ptr<const RuleSet> foreseen_;
  ExecImage now_;    // the process as it is
  ExecImage image_;  // what it would run
  ExecImage parent_;
  Event event_;
  Event loss_;
  TimedEvent timed_;
  uint64_t told_lost_ = 0;               // of execs that nobody was told of
  int64_t lost_since_ns_ = 0;            // CLOCK_MONOTONIC: none was lost before
  std::map<uint64_t, Event> unsettled_;  // told to be refused, by number; no more than the guard lets wait
};

}  // namespace detectd
