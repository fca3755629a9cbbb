#include "src/respond/grip_ring.h"

namespace detectd {

void GripRing::add(HeldProcess held) {
  if (held.refused) {
    for (size_t keep = order_.size() / 2; order_.size() > keep;) evict_oldest();
  }
  while (!order_.empty() && order_.size() >= capacity_) evict_oldest();
  const Key key{held.pid, held.boot_ns};
  const auto [place, added] = held_.insert_or_assign(key, std::move(held));
  if (added) order_.push_back(place->first);
}

void GripRing::evict_oldest() {
  held_.erase(order_.front());
  order_.pop_front();
  ++evicted_;
}

const HeldProcess* GripRing::find(uint32_t pid, int64_t boot_ns) const {
  const auto found = held_.find({pid, boot_ns});
  return found == held_.end() ? nullptr : &found->second;
}

bool GripRing::has_later_exec(uint32_t pid, int64_t boot_ns) const {
  for (auto later = held_.upper_bound({pid, boot_ns}); later != held_.end() && later->first.first == pid;
       ++later) {
    if (later->second.exec) return true;
  }
  return false;
}

}  // namespace detectd
