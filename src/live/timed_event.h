// An event on its way to be put in order.
#pragma once

#include <cstdint>

#include "engine/event.h"

namespace detectd {

struct TimedEvent {
  Event event;
  int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
  bool urgent = false;       // a process may have to be ended for it
};

}  // namespace detectd
