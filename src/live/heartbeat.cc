#include "src/live/heartbeat.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "src/clock.h"

namespace detectd {

void beat_by_thread() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    // No thread to be had (a fork bomb): then there is no beat, which is what is to be found out.
  }
}

Heartbeat::Heartbeat(Options options) : options_(std::move(options)) {}

Heartbeat::~Heartbeat() { stop(); }

void Heartbeat::start() {
  heard_ns_ = steady_clock_ns();
  thread_ = std::thread([this] { run(); });
}

void Heartbeat::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// Without the mutex: the receive thread waits for nobody. A waiter that misses the notification looks again soon.
void Heartbeat::hear(int64_t monotonic_ns) {
  heard_ns_.store(monotonic_ns);
  heard_.fetch_add(1);
  blind_.store(false);
  changed_.notify_all();
}

bool Heartbeat::wait_heard(int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  return wait_for(lock, 0, timeout_ns);
}

bool Heartbeat::wait_for(std::unique_lock<std::mutex>& lock, uint64_t after, int64_t timeout_ns) {
  constexpr int64_t kLookNs = 20'000'000;
  const int64_t until_ns = steady_clock_ns() + timeout_ns;
  while (!stop_ && heard_.load() <= after) {
    const int64_t left_ns = until_ns - steady_clock_ns();
    if (left_ns <= 0) return false;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min(left_ns, kLookNs)));
  }
  return heard_.load() > after;
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  unsigned misses = 0;
  while (!stop_) {
    const int64_t beat_ns = steady_clock_ns();
    const uint64_t heard = heard_.load();
    lock.unlock();
    options_.beat();
    lock.lock();
    if (!wait_for(lock, heard, std::min(kRetryNs, options_.period_ns))) {
      if (!stop_ && ++misses >= kMisses) blind_.store(true);
      continue;
    }
    misses = 0;
    const int64_t next_ns = beat_ns + options_.period_ns;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(0, next_ns - steady_clock_ns())),
                      [this] { return stop_; });
  }
}

}  // namespace detectd
