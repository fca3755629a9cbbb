#include "engine/event_clock.h"

#include "engine/event_key.h"

namespace detectd {

void EventClock::stamp(Event& event) {
  event.order_shift_ns = 0;
  const FieldView boot = event.find_carried(field::kBootNs);
  if (boot.type != Type::kInteger || boot.number < 0) return;
  const int64_t order_ns = order_of({.host = event.host.get(),
                                     .host_name = host_of(event),
                                     .time_ns = event.time_ns,
                                     .boot_ns = boot.number});
  int64_t shift_ns = 0;
  if (!__builtin_sub_overflow(order_ns, event.time_ns, &shift_ns)) event.order_shift_ns = shift_ns;
}

int64_t EventClock::order_ns(const Moment& moment) {
  if (!moment.boot_ns || *moment.boot_ns < 0) return moment.time_ns;
  return order_of({.host = moment.host.get(),
                   .host_name = moment.host ? host_of(*moment.host) : std::string_view(),
                   .time_ns = moment.time_ns,
                   .boot_ns = *moment.boot_ns});
}

int64_t EventClock::order_of(const Told& told) {
  const std::optional<int64_t> booted = booted_ns(told);
  int64_t order_ns = 0;
  if (!booted || __builtin_add_overflow(*booted, told.boot_ns, &order_ns)) return told.time_ns;
  return order_ns;
}

std::optional<int64_t> EventClock::booted_ns(const Told& told) {
  if (told.host != nullptr && told.host->booted_ns) return told.host->booted_ns;
  key_ = told.host_name;
  key_ += '\0';
  if (told.host != nullptr) key_ += told.host->boot_id;
  if (key_ == last_key_) return last_booted_ns_;
  const auto known = booted_.find(key_);
  if (known != booted_.end()) {
    last_booted_ns_ = known->second;
  } else {
    int64_t booted_ns = 0;
    if (__builtin_sub_overflow(told.time_ns, told.boot_ns, &booted_ns)) return std::nullopt;
    if (booted_.size() >= kMaxBoots) booted_.clear();
    booted_.emplace(key_, booted_ns);
    last_booted_ns_ = booted_ns;
  }
  last_key_ = key_;
  return last_booted_ns_;
}

}  // namespace detectd
