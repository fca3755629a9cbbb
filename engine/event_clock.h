// One scale of time for a stream, whoever sets the wall clock. Within one boot of a host CLOCK_BOOTTIME
// (`detectd.boot_ns`) says how much time passed; the wall clock is believed once, to place that boot beside
// what carries no such time. Where a capture's header says when the host booted, that place is the same in
// every part of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/event.h"

namespace detectd {

// A time that events are compared with, told as events tell theirs.
struct Moment {
  int64_t time_ns = 0;             // of the wall clock
  std::optional<int64_t> boot_ns;  // CLOCK_BOOTTIME
  std::shared_ptr<const CaptureHost> host;
};

class EventClock {
 public:
  // Sets the event's order_ns(). In the order in which events are applied.
  void stamp(Event& event);
  // On the scale of the events so far.
  int64_t order_ns(const Moment& moment);

 private:
  static constexpr size_t kMaxBoots = 4096;

  struct Told {
    const CaptureHost* host = nullptr;
    std::string_view host_name;
    int64_t time_ns = 0;
    int64_t boot_ns = 0;
  };
  int64_t order_of(const Told& told);
  // What the wall clock said of the boot; nothing where there is no such time.
  std::optional<int64_t> booted_ns(const Told& told);

  std::map<std::string, int64_t, std::less<>> booted_;  // by host and boot
  std::string key_, last_key_;
  int64_t last_booted_ns_ = 0;
};

}  // namespace detectd
