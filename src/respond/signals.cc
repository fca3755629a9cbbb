#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "src/respond/process_view.h"

namespace detectd {

Fd RealSignals::open(uint32_t pid) { return Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

bool RealSignals::ended(int pidfd) { return wait_ended(pidfd, 0); }

int RealSignals::send(int pidfd, int signal) {
  return syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0 ? 0 : errno;
}

bool RealSignals::wait_ended(int pidfd, int64_t wait_ns) {
  pollfd file{.fd = pidfd, .events = POLLIN, .revents = 0};
  const auto wait_ms = static_cast<int>(std::clamp<int64_t>(wait_ns / 1'000'000, 0, 10'000));
  return poll(&file, 1, wait_ms) == 1;
}

}  // namespace detectd
