// Live collection as a source of events: the kernel's own, enriched, in order, with what was lost told among them.
//
//   receive thread  ->  enrich thread  ->  next(), by whoever judges
//   (Receiver)          (ids, files, names)   (in order of time)
//                            connections  ->
//                            (ConnectionWatch)
//
// The queues between are bounded. What the receive thread can not pass on is counted and told; the enrich thread
// waits instead, since the receive thread's queue takes what comes meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "src/boot_clock.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "src/enrich/program_watch.h"
#include "src/enrich/snapshot.h"
#include "src/live/connection_watch.h"
#include "src/live/exec_checks.h"
#include "src/live/health.h"
#include "src/live/heartbeat.h"
#include "src/live/live_source.h"
#include "src/live/receiver.h"
#include "src/live/spsc_queue.h"
#include "src/live/timed_event.h"
#include "src/sources/proc_event_mapper.h"
#include "src/sources/reorder.h"

namespace detectd {

class Collector final : public LiveSource {
 public:
  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    size_t max_argv_bytes = ExecReader::kMaxArgvBytes;
    int64_t heartbeat_ns = 1'000'000'000;
    Enricher::Options enricher{};
    Receiver::Options receiver{};
    // Events are judged so much later at most, many at a time, which costs less than one by one. 0: at once.
    int64_t gather_ns = 10'000'000;
    // How long what is on its way is waited for at the end.
    int64_t max_drain_ns = 4'000'000'000;
    // After a loss all processes are looked at, but not more often than this.
    int64_t rescan_ns = 5'000'000'000;
    bool snapshot = true;      // tell first of the processes that run already
    bool connections = false;  // watch_connections(), from the start
    // Since when nobody watched (CLOCK_BOOTTIME), where the daemon before did not end in order.
    std::optional<int64_t> unwatched_since_boot_ns = std::nullopt;
  };
  struct Counters {
    uint64_t snapshot_processes = 0;
    uint64_t rescans = 0;
    uint64_t failed_lists = 0;  // of all processes, at the start or in a rescan
    std::string list_error;     // of the last one
    ClockJumps jumps;
    ProgramWatch::Counters programs;
    Enricher::Counters enriched;
    ConnectionPoller::Counters connections;
  };

  // `records` as of Receiver; null: none.
  Collector(std::unique_ptr<ProcEventSocket> socket, std::unique_ptr<ExecRecords> records,
            std::shared_ptr<const CaptureHost> host, Options options);
  ~Collector() override;

  // Begins to collect. Fails where no event comes, not even one that we cause.
  Status start();
  // Ends it: next() gives what is on its way, then false. Called by the thread that calls next().
  void stop();

  // Any thread.
  void watch_connections(bool wanted) override;

  void tell(const HealthReport& report) override;

  // What costs much is read only of execs for which one of these rules may hold; null, as it is first: of all. Any
  // thread.
  void read_for(std::shared_ptr<const RuleSet> rules);
  // An exec for which one of these rules may respond does not wait for its place in the order of events; null, as it is
  // first: none does. Any thread.
  void hurry_for(std::shared_ptr<const RuleSet> rules);

  // Judges execs before they happen, from now on, as the guard tells of them; without one, no longer. To be called by
  // the thread that calls next(). `gone` as in ExecChecks::Options.
  void check_execs(std::unique_ptr<ExecGuard> guard, std::shared_ptr<ExecJudge> judge,
                   std::function<void(const std::string&)> gone);
  // Null while nobody does.
  ExecChecks* exec_checks() const { return exec_checks_.get(); }

  // Gives an empty chunk at least three times a second.
  Result<bool> next(std::vector<Event>& chunk) override;
  void complete(Event& event) override;
  std::optional<Moment> settled() const override;
  const SourceReport& report() const override { return report_; }

  // Holds on processes that a rule may respond to; to be taken by the thread that calls next(). While they are wanted
  // events are judged at once, not many at a time.
  void take_grips(GripOn events, size_t max) {
    gathering_ = events == GripOn::kNothing;
    receiver_.take_grips(events, max);
  }
  void hold_grips(size_t held) { receiver_.hold_grips(held); }
  bool pop(Grip& grip) { return receiver_.pop(grip); }
  const BootClock& clock() const { return clock_; }

  // Whether the kernel tells of programs.
  bool is_told() const { return is_told_; }
  const Receiver& receiver() const { return receiver_; }
  const Heartbeat& heartbeat() const { return heartbeat_; }
  // How long the enrich thread has not turned, as one that waits for a file system that does not answer; nothing that
  // is told of processes gets by it. It turns twice a second at least.
  int64_t stuck_ns() const;
  // Of some second ago.
  Counters counters() const;

 private:
  using Timed = TimedEvent;

  void read_as_wanted();
  void catch_up();

  // The enrich thread's.
  void enrich();
  void enrich(Observation& observation, Timed& timed);
  void take_foresight();
  void note_unasked(uint32_t pid, int64_t monotonic_ns, ExecImage& image);
  void tell_loss(const Loss& loss);
  void tell_unwatched();
  void push_loss(const Loss& loss);
  void rescan(int64_t now_ns);
  void fill_loss(const Loss& loss, Event& event) const;
  void take_snapshot(std::string_view reason, int64_t monotonic_ns);
  void push(Timed& timed);
  void wait_room();
  void look_around(int64_t now_ns);
  void tell_now(const HealthReport& report);
  void fail_list(const Error& error);
  Moment moment_of(int64_t monotonic_ns) const;

  // Of next().
  bool give_up(std::vector<Event>& chunk);
  std::optional<uint64_t> count_left(std::vector<Event>& chunk);
  void take_events();
  size_t waiting() const;
  bool ended() const;
  bool all_is_here() const;

  Options options_;
  bool is_told_;
  std::shared_ptr<const CaptureHost> host_;
  BootClock clock_;
  Heartbeat heartbeat_;
  ExecReader reader_;
  Receiver receiver_;
  ProcEventMapper mapper_;
  RealProcfs procfs_;
  ExecReader snapshot_reader_;
  Enricher enricher_;
  ProgramWatch programs_;
  ProcMounts mounts_;
  // Of whoever judges.
  RealProcfs late_procfs_;
  Enricher late_enricher_;
  int64_t started_ns_ = 0;

  SpscQueue<Timed> queue_{512};
  std::atomic<size_t> queue_bytes_{0};
  std::atomic<bool> enriching_{false};  // something is on its way to queue_, or may be
  std::atomic<bool> enriched_all_{false};
  std::atomic<bool> give_up_{false};
  std::atomic<bool> gathering_{true};    // many events at a time
  std::atomic<int64_t> enriched_ns_{0};  // when the enrich thread turned last
  std::atomic<uint64_t> dropped_{0};     // by the enrich thread, for give_up_
  std::thread enrich_thread_;
  ConnectionWatch connections_;
  std::unique_ptr<ExecChecks> exec_checks_;
  int64_t rescanned_ns_ = 0;
  bool wants_rescan_ = false;
  int64_t lost_ns_ = 0;  // when a loss was told last
  int64_t clocks_read_ns_ = 0;

  Reorder reorder_;
  Timed timed_;
  std::vector<Event> spare_;
  int64_t stopping_since_ns_ = 0;
  int64_t settled_ns_ = 0;  // CLOCK_MONOTONIC
  SourceReport report_;
  std::mutex foresight_mutex_;
  std::unique_ptr<Foresight> new_foresight_;
  std::unique_ptr<Foresight> new_urgency_;
  std::atomic<bool> has_new_foresight_{false};
  std::atomic<bool> has_new_urgency_{false};
  std::unique_ptr<Foresight> urgency_;  // the enrich thread's
  // The last execs of which not all was read, by pid.
  struct Unasked {
    uint32_t pid = 0;
    int64_t boot_ns = 0;
    ProgramIdentity program;
    bool is_told = false;
    ToldProcess told;
  };
  static constexpr size_t kMaxUnasked = 4096;
  std::mutex unasked_mutex_;
  std::vector<Unasked> unasked_ = std::vector<Unasked>(kMaxUnasked);
  mutable std::mutex counters_mutex_;
  Counters counters_;
};

}  // namespace detectd
