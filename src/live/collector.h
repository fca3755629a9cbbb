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
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "src/boot_clock.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "src/enrich/snapshot.h"
#include "src/live/connection_watch.h"
#include "src/live/heartbeat.h"
#include "src/live/receiver.h"
#include "src/live/spsc_queue.h"
#include "src/live/timed_event.h"
#include "src/sources/event_source.h"
#include "src/sources/proc_event_mapper.h"
#include "src/sources/reorder.h"

namespace detectd {

class Collector final : public EventSource {
 public:
  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    size_t max_argv_bytes = ExecReader::kMaxArgvBytes;
    int64_t heartbeat_ns = 1'000'000'000;
    Enricher::Options enricher{};
    Receiver::Options receiver{};
    // Events are judged so much later at most, many at a time, which costs less than one by one. 0: at once.
    int64_t gather_ns = 2'000'000;
    bool snapshot = true;      // tell first of the processes that run already
    bool connections = false;  // watch_connections(), from the start
    // Since when nobody watched (CLOCK_BOOTTIME), where the daemon before did not end in order.
    std::optional<int64_t> unwatched_since_boot_ns = std::nullopt;
  };
  struct Counters {
    uint64_t snapshot_processes = 0;
    uint64_t rescans = 0;
    BootClock::Jump jump;  // of the wall clock, all together
    Enricher::Counters enriched;
    ConnectionPoller::Counters connections;
  };

  Collector(std::unique_ptr<ProcEventSocket> socket, std::shared_ptr<const CaptureHost> host,
            Options options);
  ~Collector() override;

  // Begins to collect. Fails where no event comes, not even one that we cause.
  Status start();
  // Ends it: next() gives what is on its way, then false. Called by the thread that calls next().
  void stop();

  // Whether new connections are looked for. Any thread.
  void watch_connections(bool wanted) { connections_.want(wanted); }

  // Gives an empty chunk at least four times a second.
  Result<bool> next(std::vector<Event>& chunk) override;
  std::optional<Moment> settled() const override;
  const SourceReport& report() const override { return report_; }

  const Receiver& receiver() const { return receiver_; }
  const Heartbeat& heartbeat() const { return heartbeat_; }
  // Of some second ago.
  Counters counters() const;

 private:
  using Timed = TimedEvent;

  // The enrich thread's.
  void enrich();
  void enrich(Observation& observation, Timed& timed);
  void tell_loss(const Loss& loss);
  void tell_unwatched();
  void push_loss(const Loss& loss);
  void fill_loss(const Loss& loss, Event& event) const;
  void take_snapshot(std::string_view reason, int64_t monotonic_ns);
  void push(Timed& timed);
  void look_around(int64_t now_ns);

  // Of next().
  bool give_up(std::vector<Event>& chunk);
  void gather() const;
  void take_events();
  bool all_is_here() const;

  Options options_;
  std::shared_ptr<const CaptureHost> host_;
  BootClock clock_;
  Heartbeat heartbeat_;
  ExecReader reader_;
  Receiver receiver_;
  ProcEventMapper mapper_;
  RealProcfs procfs_;
  ExecReader snapshot_reader_;
  Enricher enricher_;
  int64_t started_ns_ = 0;

  SpscQueue<Timed> queue_{512};
  std::atomic<size_t> queue_bytes_{0};
  std::atomic<bool> enriching_{false};  // an observation was popped, and is not pushed yet
  std::atomic<bool> enriched_all_{false};
  std::atomic<bool> give_up_{false};
  std::thread enrich_thread_;
  ConnectionWatch connections_;
  int64_t rescanned_ns_ = 0;
  int64_t clocks_read_ns_ = 0;

  Reorder reorder_;
  Timed timed_;
  std::vector<Event> spare_;
  int64_t stopping_since_ns_ = 0;
  int64_t settled_ns_ = 0;  // CLOCK_MONOTONIC
  SourceReport report_;
  mutable std::mutex counters_mutex_;
  Counters counters_;
};

}  // namespace detectd
