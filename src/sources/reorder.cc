#include "src/sources/reorder.h"

#include <algorithm>
#include <utility>

namespace detectd {

void Reorder::push(Event& event, int64_t at_ns) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  std::swap(slots_[slot], event);
  heap_.push({at_ns, number_++, slot});
  newest_ns_ = std::max(newest_ns_, at_ns);
}

void Reorder::release(int64_t now_ns, bool idle, size_t limit, std::vector<Event>& ready) {
  if (heap_.empty()) return;
  int64_t until_ns = std::max(newest_ns_ - kMaxWaitNs, hurried_ns_);
  if (idle) until_ns = std::max(until_ns, now_ns - kWaitNs);
  for (; limit != 0 && !heap_.empty() && heap_.top().at_ns <= until_ns; --limit) release_front(ready);
}

void Reorder::flush(std::vector<Event>& ready) {
  while (!heap_.empty()) release_front(ready);
}

void Reorder::release_front(std::vector<Event>& ready) {
  const uint32_t slot = heap_.top().slot;
  heap_.pop();
  ready.emplace_back();
  std::swap(ready.back(), slots_[slot]);
  free_.push_back(slot);
}

}  // namespace detectd
