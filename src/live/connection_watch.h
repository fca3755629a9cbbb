// New connections as events, looked for once a second by a thread of its own, so that neither the receive thread nor
// the enrich thread waits for it. While nobody wants connections it sleeps.
//
// An event has the time of the look that found it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/event.h"
#include "src/boot_clock.h"
#include "src/live/connection_poller.h"
#include "src/live/spsc_queue.h"
#include "src/live/timed_event.h"

namespace detectd {

// The event of a connection that was found at `boot_ns`. Writes over `event`.
void to_event(const Connection& connection, int64_t boot_ns, int64_t wall_ns,
              const std::shared_ptr<const CaptureHost>& host, Event& event);

class ConnectionWatch {
 public:
  struct Options {
    ConnectionPoller::Options poller{};
    int64_t period_ns = 1'000'000'000;
    // Called by the thread when it has found something, before it tells of it: so that processes that began before are
    // told before.
    std::function<void()> catch_up = {};
    // Called by the thread when there is something to pop().
    std::function<void()> wake = {};
  };

  // `clock` is kept by reference.
  ConnectionWatch(const BootClock& clock, std::shared_ptr<const CaptureHost> host, Options options);
  ~ConnectionWatch();
  ConnectionWatch(const ConnectionWatch&) = delete;
  ConnectionWatch& operator=(const ConnectionWatch&) = delete;

  // Whether connections are looked for; at first not. What is connected when it begins is not told.
  void want(bool wanted);
  // Ends the looking; what was found can still be popped. Does not wait.
  void stop();

  // The other thread's side.
  bool pop(TimedEvent& event) { return queue_.pop(event); }
  size_t size() const { return queue_.size(); }
  // No event from before now is on its way to the queue.
  bool idle() const { return !telling_.load(); }
  // Nothing follows what is in the queue.
  bool ended() const { return ended_.load(); }

  ConnectionPoller::Counters counters() const;

 private:
  void run();
  bool wait_for_look();
  void look();

  const BootClock& clock_;
  std::shared_ptr<const CaptureHost> host_;
  Options options_;
  ConnectionPoller poller_;
  SpscQueue<TimedEvent> queue_{256};
  std::atomic<bool> telling_{false};
  std::atomic<bool> ended_{true};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> give_up_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  ConnectionPoller::Counters counters_;

  std::thread thread_;
  // The thread's own.
  bool looking_ = false;
  int64_t next_look_ns_ = 0;
  std::vector<Connection> found_;
  TimedEvent timed_;
};

}  // namespace detectd
