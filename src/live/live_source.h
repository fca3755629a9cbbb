// What both ways to watch this host can do besides giving events.
#pragma once

#include "src/live/health.h"
#include "src/sources/event_source.h"

namespace detectd {

class LiveSource : public EventSource {
 public:
  // Among the next events, as of now. By the thread that calls next().
  virtual void tell(const HealthReport& report) = 0;
  // Whether new connections are looked for, once a second; at first not. What is connected when it begins is not told.
  virtual void watch_connections(bool wanted) = 0;
};

}  // namespace detectd
