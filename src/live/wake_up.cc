#include "src/live/wake_up.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

#include "engine/timestamp.h"

namespace detectd {

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "the kernel looks at it");

void WakeUp::wake_all() { syscall(SYS_futex, &rounds_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0); }

void WakeUp::sleep(uint32_t round, int64_t timeout_ns) {
  const timespec timeout{.tv_sec = timeout_ns / kNanosPerSecond, .tv_nsec = timeout_ns % kNanosPerSecond};
  syscall(SYS_futex, &rounds_, FUTEX_WAIT_PRIVATE, round, &timeout, nullptr, 0);
}

}  // namespace detectd
