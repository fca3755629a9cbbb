// Execs and all other events, read from two sockets one after the other, as if they had come by one.
#pragma once

#include <cstdint>
#include <vector>

#include "src/sources/proc_event.h"

namespace detectd {

class ProcMerge {
 public:
  // What was read; each in the order in which it came. Execs are read first, so that the fork of what execs is there.
  std::vector<ProcEvent> execs;
  std::vector<ProcEvent> others;

  // Appends to `events` all execs, and the others from before `until_ns` or before the last of the execs, by time: of
  // what came later, an exec might still be unread. The others stay for the next time.
  void take(int64_t until_ns, std::vector<ProcEvent>& events);
};

}  // namespace detectd
