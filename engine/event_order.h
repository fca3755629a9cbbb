// Puts id changes next to the exec they belong to. A set-uid exec raises its id change before the exec; so
// an id change waits up to 10 ms of event time for an exec of the same process. Other events do not wait,
// with one exception to EVENTS' plain "released 10 ms later": an event that concerns the same process (its
// own, its children's forks, a trace of it) lets the waiting changes out first. Otherwise a process's events
// would be judged, and its credentials rebuilt, in an order that never happened.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <vector>

#include "engine/event.h"
#include "engine/event_clock.h"

namespace detectd {

class EventOrder {
 public:
  static constexpr int64_t kWaitNs = 10'000'000;
  static constexpr size_t kMaxHeld = 1024;

  // Takes `event` and appends to `ready` what is in order now. An exec and the id changes that belong to
  // it are marked `joined` and follow each other directly.
  void push(Event& event, std::vector<Event>& ready);
  // No event from before `moment` will come: what waited for one is let out.
  void advance(const Moment& moment, std::vector<Event>& ready);
  // The end of the stream.
  void flush(std::vector<Event>& ready);

  size_t held() const { return held_.size(); }
  // Id changes let out early, all at once, because they were more than kMaxHeld.
  uint64_t overflows() const { return overflows_; }

 private:
  using Held = std::list<Event>;

  void release(Held::iterator event, std::vector<Event>& ready);
  // Releases what waits of a process that `event` concerns; its own id changes keep waiting.
  void release_concerned(Event& event, std::vector<Event>& ready);
  void release_of(Event& event, uint32_t pid, std::vector<Event>& ready);
  template <class When>
  void release_until(const When& end, std::vector<Event>& ready);
  void hold(Event& event);

  Held held_;                                // in order of arrival
  Held free_;                                // for their nodes
  std::array<uint16_t, 256> held_by_pid_{};  // how many wait, by the low bits of their pid
  uint64_t overflows_ = 0;
};

}  // namespace detectd
