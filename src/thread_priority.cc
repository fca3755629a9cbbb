#include "src/thread_priority.h"

#include <linux/sched.h>
#include <linux/sched/types.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace detectd {
namespace {

constexpr int kHurriedNice = -20;
// The shortest turn that the kernel has: who asks for short ones is let in sooner.
constexpr uint64_t kShortTurnNs = 100'000;

void schedule(int nice, uint64_t turn_ns) {
  const auto thread = static_cast<pid_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, static_cast<id_t>(thread), nice);
  sched_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.sched_policy = SCHED_NORMAL;
  attributes.sched_nice = getpriority(PRIO_PROCESS, static_cast<id_t>(thread));
  attributes.sched_runtime = turn_ns;
  syscall(SYS_sched_setattr, thread, &attributes, 0);
}

}  // namespace

void hurry_this_thread() { schedule(kHurriedNice, kShortTurnNs); }

void let_others_first() {
  if (getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid))) < 0) schedule(0, 0);
}

}  // namespace detectd
