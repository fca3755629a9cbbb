#include "src/sources/time_window.h"

#include <algorithm>
#include <limits>

namespace detectd {
namespace {

// `by_ns` before a time, or the first time there is.
int64_t earlier(int64_t time_ns, int64_t by_ns) {
  int64_t result = 0;
  return __builtin_sub_overflow(time_ns, by_ns, &result) ? std::numeric_limits<int64_t>::min() : result;
}

}  // namespace

uint32_t EventPool::take() {
  if (free_.empty()) {
    events_.emplace_back();
    return static_cast<uint32_t>(events_.size() - 1);
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void TimeWindow::keep_order() {
  keep_order_ = true;
  ++stretch_;
}

bool TimeWindow::push(const Event& event, uint32_t slot) {
  const bool back = any_ && event.time_ns < earlier(newest_ns_, kStepBackNs);
  if (back || keep_order_) ++stretch_;
  newest_ns_ = any_ && !back ? std::max(newest_ns_, event.time_ns) : event.time_ns;
  any_ = true;
  heap_.push_back({stretch_, event.time_ns, number_++, slot, static_cast<uint32_t>(event.raw().size())});
  held_bytes_ += heap_.back().bytes;
  std::push_heap(heap_.begin(), heap_.end());
  return back;
}

bool TimeWindow::may_leave(const Entry& entry) const {
  return finished_ || keep_order_ || entry.stretch != stretch_ ||
         entry.time_ns <= earlier(newest_ns_, kWindowNs) || heap_.size() > kMaxHeld ||
         held_bytes_ > kMaxHeldBytes;
}

std::optional<uint32_t> TimeWindow::pop() {
  if (heap_.empty() || !may_leave(heap_.front())) return std::nullopt;
  std::pop_heap(heap_.begin(), heap_.end());
  const Entry entry = heap_.back();
  heap_.pop_back();
  held_bytes_ -= entry.bytes;
  return entry.slot;
}

}  // namespace detectd
