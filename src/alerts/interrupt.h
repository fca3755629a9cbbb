// Ends what a thread waits for, from another thread.
#pragma once

#include <cstdint>

#include "src/fd.h"

namespace detectd {

class Interrupt {
 public:
  Interrupt();
  void raise();
  bool raised() const;
  int descriptor() const { return event_.number(); }  // readable once it is raised

 private:
  Fd event_;
};

enum class Waited : uint8_t { kReady, kTimeUp, kInterrupted };
// Until `descriptor` has one of poll(2)'s `events`, or `deadline_ns` of the steady clock. An error of it is kReady, too:
// what is tried next tells.
Waited wait_for(int descriptor, short events, int64_t deadline_ns, const Interrupt& interrupt);

}  // namespace detectd
