#include "src/sources/time_window.h"

#include <algorithm>
#include <utility>

namespace detectd {

void TimeWindow::keep_order() {
  keep_order_ = true;
  ++stretch_;
}

bool TimeWindow::push(Event& event) {
  const bool back = any_ && event.time_ns < newest_ns_ && newest_ns_ - event.time_ns > kStepBackNs;
  if (back || keep_order_) ++stretch_;
  newest_ns_ = any_ && !back ? std::max(newest_ns_, event.time_ns) : event.time_ns;
  any_ = true;

  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  Entry entry{stretch_, event.time_ns, number_++, free_slots_.back()};
  free_slots_.pop_back();
  held_bytes_ += event.raw().size();
  std::swap(slots_[entry.slot], event);
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end());
  return back;
}

bool TimeWindow::may_leave(const Entry& entry) const {
  return finished_ || keep_order_ || entry.stretch != stretch_ || entry.time_ns <= newest_ns_ - kWindowNs ||
         heap_.size() > kMaxHeld || held_bytes_ > kMaxHeldBytes;
}

bool TimeWindow::pop(Event& event) {
  if (heap_.empty() || !may_leave(heap_.front())) return false;
  std::pop_heap(heap_.begin(), heap_.end());
  const uint32_t slot = heap_.back().slot;
  heap_.pop_back();
  std::swap(slots_[slot], event);
  held_bytes_ -= event.raw().size();
  free_slots_.push_back(slot);
  return true;
}

}  // namespace detectd
