#include "engine/event_order.h"

#include <utility>

#include "engine/carried.h"
#include "engine/event_key.h"

namespace detectd {
namespace {

bool is_id_change(const Event& event) {
  return event.kind == EventKind::kUidChange || event.kind == EventKind::kGidChange;
}

uint32_t own_pid(const Event& event) { return carried_pid(event, process_field); }

bool same_machine(const Event& a, const Event& b) {
  if (host_of(a) != host_of(b)) return false;
  return a.host == b.host || (a.host && b.host && a.host->boot_id == b.host->boot_id);
}

// Whether `from` is more than the waiting time before `to`. Within one boot the wall clock, which can be set,
// is not asked where both say how long the machine was up.
bool long_before(const Event& from, const Event& to) {
  int64_t from_ns = from.time_ns;
  int64_t to_ns = to.time_ns;
  const FieldView from_boot = from.find_carried(field::kBootNs);
  const FieldView to_boot = to.find_carried(field::kBootNs);
  if (from_boot.type == Type::kInteger && to_boot.type == Type::kInteger && same_machine(from, to)) {
    from_ns = from_boot.number;
    to_ns = to_boot.number;
  }
  int64_t distance_ns = 0;
  if (from_ns >= to_ns) return false;
  return __builtin_sub_overflow(to_ns, from_ns, &distance_ns) || distance_ns > EventOrder::kWaitNs;
}

void move_to(std::vector<Event>& ready, Event& event) {
  ready.emplace_back();
  std::swap(ready.back(), event);
}

}  // namespace

void EventOrder::push(Event& event, std::vector<Event>& ready) {
  if (!held_.empty()) {
    // All of them: one that is stamped with a later time must not keep the others waiting.
    for (auto next = held_.begin(); next != held_.end();) {
      const auto held = next++;
      if (long_before(*held, event)) release(held, ready);
    }
    release_concerned(event, ready);
  }
  if (is_id_change(event) && own_pid(event) != 0) {
    hold(event, ready);
  } else {
    move_to(ready, event);
  }
}

void EventOrder::flush(std::vector<Event>& ready) {
  while (!held_.empty()) release(held_.begin(), ready);
}

void EventOrder::hold(Event& event, std::vector<Event>& ready) {
  if (held_.size() >= kMaxHeld) {
    release(held_.begin(), ready);
    ++overflows_;
  }
  if (free_.empty()) free_.emplace_back();
  std::swap(free_.front(), event);
  held_.splice(held_.end(), free_, free_.begin());
  ++held_by_pid_[own_pid(held_.back()) % held_by_pid_.size()];
}

void EventOrder::release(Held::iterator event, std::vector<Event>& ready) {
  --held_by_pid_[own_pid(*event) % held_by_pid_.size()];
  move_to(ready, *event);
  free_.splice(free_.begin(), held_, event);
}

void EventOrder::release_concerned(Event& event, std::vector<Event>& ready) {
  if (!is_id_change(event)) release_of(event, own_pid(event), ready);
  if (event.kind == EventKind::kFork) {
    release_of(event, carried_pid(event, parent_field), ready);
  }
  release_of(event, carried_pid(event, target_field), ready);
}

void EventOrder::release_of(Event& event, uint32_t pid, std::vector<Event>& ready) {
  if (pid == 0 || held_by_pid_[pid % held_by_pid_.size()] == 0) return;
  for (auto next = held_.begin(); next != held_.end();) {
    const auto held = next++;
    if (own_pid(*held) != pid || !same_machine(*held, event)) continue;
    const bool joins = event.kind == EventKind::kExec && own_pid(event) == pid && !long_before(event, *held);
    held->joined = joins;
    event.joined = event.joined || joins;
    release(held, ready);
  }
}

}  // namespace detectd
