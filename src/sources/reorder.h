// Puts events of several CPUs in the order in which they happened: within a CPU they never go backwards, across
// CPUs a few in a thousand come up to 79 microseconds late (measured).
#pragma once

#include <algorithm>
#include <cstdint>
#include <queue>
#include <vector>

#include "engine/event.h"

namespace detectd {

class Reorder {
 public:
  // An event leaves this long after it happened, once nothing more is on its way; at the latest when one that
  // happened kMaxWaitNs later is there.
  static constexpr int64_t kWaitNs = 100'000;
  static constexpr int64_t kMaxWaitNs = 1'000'000;

  // Swaps `event` in; `at_ns` is of CLOCK_MONOTONIC.
  void push(Event& event, int64_t at_ns);
  // What happened until then waits no longer: somebody is to act on it, and to act late is worse than to have one of
  // a few in a thousand events late.
  void hurry(int64_t at_ns) { hurried_ns_ = std::max(hurried_ns_, at_ns); }
  // Appends to `ready` what is in order now. `idle`: nothing that happened before `now_ns` - kWaitNs is on its way.
  // At most `limit` events.
  void release(int64_t now_ns, bool idle, size_t limit, std::vector<Event>& ready);
  // The end: all of them.
  void flush(std::vector<Event>& ready);

  bool empty() const { return heap_.empty(); }

 private:
  struct Held {
    int64_t at_ns;
    uint64_t number;  // of arrival
    uint32_t slot;
    bool operator>(const Held& other) const {
      return at_ns != other.at_ns ? at_ns > other.at_ns : number > other.number;
    }
  };
  void release_front(std::vector<Event>& ready);

  std::priority_queue<Held, std::vector<Held>, std::greater<>> heap_;
  std::vector<Event> slots_;
  std::vector<uint32_t> free_;
  uint64_t number_ = 0;
  int64_t newest_ns_ = INT64_MIN;
  int64_t hurried_ns_ = INT64_MIN;
};

}  // namespace detectd
