#include "src/live/heartbeat.h"

#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "src/clock.h"

namespace detectd {

// clone(2) by another name: of that the thread sanitizer thinks that it forks.
int make_thread(int (*run)(void*), void* stack, int flags, void* argument, ...) asm("__clone");

namespace {

constexpr int kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                        CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

#ifdef __clang__
#define UNINSTRUMENTED [[clang::disable_sanitizer_instrumentation]]
#else
#define UNINSTRUMENTED
#endif
// It has the thread storage of whoever made it, so it touches nothing.
UNINSTRUMENTED int end_with_status(void*) { return 1; }
#undef UNINSTRUMENTED

}  // namespace

// Its fork is one event, its end with a status another, of another kind. Threads of the C library end without one, and
// are not to be ended by hand: what they keep for a thread would stay.
// Without a thread to be had (a fork bomb) there is no beat, which is what is to be found out.
void beat_by_thread() {
  alignas(16) std::array<char, 16384> stack;
  std::atomic<pid_t> thread{0};
  // No handler on that stack.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int made =
      make_thread(end_with_status, stack.data() + stack.size(), kThread, nullptr, &thread, nullptr, &thread);
  // The kernel clears it, and wakes us, once the stack is not used any more.
  for (pid_t running = thread; made != -1 && running != 0; running = thread) {
    syscall(SYS_futex, &thread, FUTEX_WAIT, running, nullptr, nullptr, 0);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Heartbeat::Heartbeat(Options options) : options_(std::move(options)) {}

Heartbeat::~Heartbeat() { stop(); }

void Heartbeat::start() {
  heard_ns_ = steady_clock_ns();
  thread_ = std::thread([this] { run(); });
}

void Heartbeat::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// Without the mutex: the receive thread waits for nobody. A waiter that misses the notification looks again soon.
void Heartbeat::hear(int64_t monotonic_ns) {
  heard_ns_.store(monotonic_ns);
  heard_.fetch_add(1);
  blind_.store(false);
  changed_.notify_all();
}

bool Heartbeat::wait_heard(int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  return wait_for(lock, 0, timeout_ns);
}

bool Heartbeat::wait_for(std::unique_lock<std::mutex>& lock, uint64_t after, int64_t timeout_ns) {
  // A beat is mostly told within milliseconds, or with the next look of a receive thread that does not hurry.
  int64_t look_ns = 80'000'000;
  const int64_t until_ns = steady_clock_ns() + timeout_ns;
  while (!stop_ && heard_.load() <= after) {
    const int64_t left_ns = until_ns - steady_clock_ns();
    if (left_ns <= 0) return false;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::min(left_ns, look_ns)));
    look_ns *= 4;
  }
  return heard_.load() > after;
}

void Heartbeat::run() {
  std::unique_lock lock(mutex_);
  unsigned misses = 0;
  while (!stop_) {
    const int64_t beat_ns = steady_clock_ns();
    const uint64_t heard = heard_.load();
    lock.unlock();
    options_.beat();
    lock.lock();
    if (!wait_for(lock, heard, std::min(kRetryNs, options_.period_ns))) {
      if (!stop_ && ++misses >= kMisses) blind_.store(true);
      continue;
    }
    misses = 0;
    const int64_t next_ns = beat_ns + options_.period_ns;
    changed_.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(0, next_ns - steady_clock_ns())),
                      [this] { return stop_; });
  }
}

}  // namespace detectd
