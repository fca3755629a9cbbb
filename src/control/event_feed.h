// Events and hits for those who look on, from the thread that judges to the one that serves the control socket. The
// first never waits: what finds no room, or comes too fast to be looked at, is counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "engine/event.h"
#include "engine/hit.h"
#include "src/live/spsc_queue.h"

namespace detectd {

class EventFeed {
 public:
  // Lines a second; to make one costs some microseconds.
  static constexpr uint64_t kMaxPerSecond = 5000;

  struct Line {
    EventKind kind{};
    bool is_hit = false;
    std::string json;  // with a newline
  };

  // The judging thread's.
  bool wanted() const { return kinds_.load(std::memory_order_relaxed) != 0; }
  void show(const Event& event);
  void show(const Hit& hit);

  // The serving thread's: what anybody wants to see, from now on; nobody: nothing.
  void want(KindSet kinds, bool hits);
  bool pop(Line& line) { return queue_.pop(line); }
  // In all, so far.
  uint64_t missed() const { return missed_.load(); }

 private:
  static constexpr uint32_t kHits = 1u << 31;

  bool wants(uint32_t bit) const { return (kinds_.load(std::memory_order_relaxed) & bit) != 0; }
  bool has_time();
  void push();

  SpscQueue<Line> queue_{8192};
  std::atomic<uint32_t> kinds_{0};  // a bit a kind
  std::atomic<uint64_t> missed_{0};
  // The judging thread's.
  Line line_;
  int64_t second_ = 0;
  uint64_t shown_ = 0;  // in it
};

}  // namespace detectd
