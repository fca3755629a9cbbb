// Events of one file, brought in order by time as far as they are at most 50 ms late.
//
// The order is a function of the sequence of events alone: an event leaves when one that is 50 ms newer has
// come, or when too many wait. Time that goes back further begins a new stretch: everything before it
// leaves first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "engine/event.h"

namespace detectd {

// Events with the buffers they have grown, lent by number, so that ordering them moves numbers only.
class EventPool {
 public:
  uint32_t take();
  void give_back(uint32_t slot) { free_.push_back(slot); }
  Event& operator[](uint32_t slot) { return events_[slot]; }
  const Event& operator[](uint32_t slot) const { return events_[slot]; }

 private:
  std::deque<Event> events_;  // a deque: events stay where they are
  std::vector<uint32_t> free_;
};

class TimeWindow {
 public:
  static constexpr int64_t kWindowNs = 50'000'000;
  static constexpr int64_t kStepBackNs = 1'000'000'000;
  static constexpr size_t kMaxHeld = 16'384;
  static constexpr size_t kMaxHeldBytes = size_t{64} << 20;

  // From here on the order of the lines is kept.
  void keep_order();
  // True if the event's time is more than a second before one that came already.
  bool push(const Event& event, uint32_t slot);
  // The next event that may leave.
  std::optional<uint32_t> pop();
  // No more events will come: all may leave.
  void finish() { finished_ = true; }

 private:
  struct Entry {
    uint64_t stretch = 0;
    int64_t time_ns = 0;
    uint64_t number = 0;  // of coming
    uint32_t slot = 0;
    uint32_t bytes = 0;  // of the line

    // For a heap with the first on top.
    bool operator<(const Entry& other) const {
      if (stretch != other.stretch) return stretch > other.stretch;
      if (time_ns != other.time_ns) return time_ns > other.time_ns;
      return number > other.number;
    }
  };

  bool may_leave(const Entry& entry) const;

  bool keep_order_ = false;
  bool finished_ = false;
  bool any_ = false;
  int64_t newest_ns_ = 0;  // of this stretch
  uint64_t stretch_ = 0;
  uint64_t number_ = 0;
  size_t held_bytes_ = 0;
  std::vector<Entry> heap_;
};

}  // namespace detectd
