#include "engine/event_order.h"

#include <optional>
#include <string_view>
#include <utility>

#include "engine/carried.h"
#include "engine/event_key.h"

namespace detectd {
namespace {

bool is_id_change(const Event& event) {
  return event.kind == EventKind::kUidChange || event.kind == EventKind::kGidChange;
}

uint32_t own_pid(const Event& event) { return carried_pid(event, process_field); }

// When something was, and on which machine.
struct When {
  int64_t time_ns = 0;
  std::optional<int64_t> boot_ns;
  std::string_view host;
  std::string_view boot_id;

  bool same_machine(const When& other) const { return host == other.host && boot_id == other.boot_id; }
};

When when(const Event& event) {
  const FieldView boot = event.find_carried(field::kBootNs);
  When when{.time_ns = event.time_ns, .boot_ns = std::nullopt, .host = host_of(event), .boot_id = {}};
  if (boot.type == Type::kInteger) when.boot_ns = boot.number;
  if (event.host) when.boot_id = event.host->boot_id;
  return when;
}

When when(const Moment& moment) {
  When when{.time_ns = moment.time_ns, .boot_ns = moment.boot_ns, .host = {}, .boot_id = {}};
  if (moment.host) when.host = host_of(*moment.host);
  if (moment.host) when.boot_id = moment.host->boot_id;
  return when;
}

// Whether `from` is more than the waiting time before `to`. Within one boot the wall clock, which can be set,
// is not asked where both say how long the machine was up.
bool long_before(const When& from, const When& to) {
  const bool by_boot = from.boot_ns && to.boot_ns && from.same_machine(to);
  const int64_t from_ns = by_boot ? *from.boot_ns : from.time_ns;
  const int64_t to_ns = by_boot ? *to.boot_ns : to.time_ns;
  int64_t distance_ns = 0;
  if (from_ns >= to_ns) return false;
  return __builtin_sub_overflow(to_ns, from_ns, &distance_ns) || distance_ns > EventOrder::kWaitNs;
}

void move_to(std::vector<Event>& ready, Event& event) { ready.push_back(std::move(event)); }

}  // namespace

// What is let out stands right before the event that let it out, in every order of arrival that is this one's
// result: so a capture of what left here leaves here the same way. Hence a change that waits lets no other out.
void EventOrder::push(Event& event, std::vector<Event>& ready) {
  const bool waits = is_id_change(event) && own_pid(event) != 0;
  if (waits && held_.size() < kMaxHeld) return hold(event);
  if (waits) {
    overflows_ += held_.size() + 1;
    flush(ready);
  } else if (!held_.empty()) {
    release_until(when(event), ready);
    release_concerned(event, ready);
  }
  move_to(ready, event);
}

void EventOrder::advance(const Moment& moment, std::vector<Event>& ready) {
  if (!held_.empty()) release_until(when(moment), ready);
}

void EventOrder::flush(std::vector<Event>& ready) {
  while (!held_.empty()) release(held_.begin(), ready);
}

// All of them: one that is stamped with a later time must not keep the others waiting.
template <class When>
void EventOrder::release_until(const When& end, std::vector<Event>& ready) {
  for (auto next = held_.begin(); next != held_.end();) {
    const auto held = next++;
    if (long_before(when(*held), end)) release(held, ready);
  }
}

void EventOrder::hold(Event& event) {
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
  const When now = when(event);
  for (auto next = held_.begin(); next != held_.end();) {
    const auto held = next++;
    if (own_pid(*held) != pid || !when(*held).same_machine(now)) continue;
    const bool joins =
        event.kind == EventKind::kExec && own_pid(event) == pid && !long_before(now, when(*held));
    held->joined = joins;
    event.joined = event.joined || joins;
    release(held, ready);
  }
}

}  // namespace detectd
