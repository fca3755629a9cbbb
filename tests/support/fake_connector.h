// The process connector of a test's making.
#pragma once

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "src/clock.h"
#include "src/fd.h"
#include "src/sources/proc_connector.h"

namespace detectd::test {

class FakeSocket final : public ProcEventSocket {
 public:
  FakeSocket() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) {}

  void give(const ProcEvent& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
    wake();
  }
  void lose(uint64_t count) { lost_ += count; }
  // From now on there is always one more.
  void storm(const ProcEvent& event) {
    const std::lock_guard lock(mutex_);
    storm_ = event;
    wake();
  }
  // From now on events come by two descriptors, of which this one is never waited on for long.
  void split() { is_split_ = true; }
  unsigned subscriptions() const { return subscriptions_; }

  int descriptor() const override { return event_.number(); }
  int patient_descriptor() const override { return is_split_ ? event_.number() : -1; }
  void wait_urgent() override {
    pollfd file{.fd = event_.number(), .events = POLLIN, .revents = 0};
    poll(&file, 1, 1);
  }
  Status subscribe() override {
    ++subscriptions_;
    return {};
  }
  bool receive(std::vector<ProcEvent>& events) override {
    const std::lock_guard lock(mutex_);
    if (storm_) {
      events.push_back(*storm_);
      events.back().monotonic_ns = steady_clock_ns();
      return true;
    }
    if (events_.empty()) return false;
    uint64_t taken = 0;
    // Another thread than the test's, whose assertions these would be.
    if (read(event_.number(), &taken, sizeof taken) != sizeof taken) std::abort();
    events.push_back(events_.front());
    events_.pop_front();
    return !events_.empty();
  }
  uint64_t lost() override { return lost_; }

 private:
  void wake() {
    const uint64_t one = 1;
    // No assertion: a test may call this by the receive thread.
    if (write(event_.number(), &one, sizeof one) != sizeof one) std::abort();
  }

  Fd event_;
  std::mutex mutex_;
  std::deque<ProcEvent> events_;
  std::optional<ProcEvent> storm_;
  bool is_split_ = false;
  std::atomic<uint64_t> lost_{0};
  std::atomic<unsigned> subscriptions_{0};
};

inline ProcEvent make(ProcWhat what, uint32_t pid) {
  ProcEvent event;
  event.what = what;
  event.thread = event.pid = pid;
  event.monotonic_ns = steady_clock_ns();
  return event;
}

}  // namespace detectd::test
