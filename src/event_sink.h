// Where judged events go besides the report: a capture.
#pragma once

#include <cstdint>

#include "engine/event.h"

namespace detectd {

// What goes wrong in a sink is its own to tell: the run goes on.
class EventSink {
 public:
  virtual ~EventSink() = default;

  // Every event, in the order in which rules saw it, silent ones too.
  virtual void write(const Event& event) = 0;
  // Between two chunks: the engine has observed nothing that was not written. `now_ns` is of the steady clock.
  virtual void settle(int64_t now_ns) = 0;
};

}  // namespace detectd
