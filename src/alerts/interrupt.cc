#include "src/alerts/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "src/clock.h"

namespace detectd {

Interrupt::Interrupt() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Interrupt::raise() {
  const uint64_t one = 1;
  // Full is raised, too.
  static_cast<void>(write(event_.number(), &one, sizeof one) == sizeof one);
}

bool Interrupt::raised() const {
  pollfd wanted{.fd = event_.number(), .events = POLLIN, .revents = 0};
  return poll(&wanted, 1, 0) > 0;
}

Waited wait_for(int descriptor, short events, int64_t deadline_ns, const Interrupt& interrupt) {
  constexpr int64_t kMillisecond = 1'000'000;
  while (true) {
    pollfd wanted[] = {{.fd = interrupt.descriptor(), .events = POLLIN, .revents = 0},
                       {.fd = descriptor, .events = events, .revents = 0}};
    const int64_t left_ns = std::max<int64_t>(deadline_ns - steady_clock_ns(), 0);
    const int timeout_ms =
        static_cast<int>(std::min<int64_t>((left_ns + kMillisecond - 1) / kMillisecond, 60'000));
    const int ready = poll(wanted, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) return Waited::kTimeUp;
    if (ready > 0 && wanted[0].revents != 0) return Waited::kInterrupted;
    if (ready > 0) return Waited::kReady;
    if (steady_clock_ns() >= deadline_ns) return Waited::kTimeUp;
  }
}

}  // namespace detectd
