// An event on its way to be put in order.
#pragma once

#include <cstdint>

#include "engine/event.h"

namespace detectd {

struct TimedEvent {
  Event event;
  int64_t monotonic_ns = 0;  // CLOCK_MONOTONIC
};

}  // namespace detectd
