#include "src/slow_events.h"

#include <time.h>

#include <algorithm>

#include "engine/fields.h"
#include "engine/timestamp.h"
#include "src/clock.h"

namespace detectd {
namespace {

int64_t thread_time_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * kNanosPerSecond + time.tv_nsec;
}

}  // namespace

void SlowEvents::add(const Event& event, int64_t took_ns) {
  SlowEvents one{.events = 1, .slowest_ns = took_ns, .slowest_pid = {}};
  const FieldView pid = event.find(process_field(Leaf::kPid));
  if (pid.type == Type::kInteger) one.slowest_pid = static_cast<uint32_t>(pid.number);
  add(one);
}

void SlowEvents::add(const SlowEvents& other) {
  events += other.events;
  if (other.slowest_ns <= slowest_ns) return;
  slowest_ns = other.slowest_ns;
  slowest_pid = other.slowest_pid;
}

LapTimer::LapTimer(int64_t bound_ns) : bound_ns_(bound_ns) {
  if (bound_ns_ == 0) return;
  lap_ns_ = steady_ns_ = steady_clock_ns();
  thread_ns_ = thread_time_ns();
}

int64_t LapTimer::lap() {
  if (bound_ns_ == 0) return 0;
  const int64_t now_ns = steady_clock_ns();
  const int64_t took_ns = now_ns - lap_ns_;
  const int64_t before_ns = lap_ns_ - steady_ns_;
  lap_ns_ = now_ns;
  if (took_ns <= bound_ns_) return 0;
  // The laps before this one can not have had more of the thread's time than they lasted.
  const int64_t thread_ns = thread_time_ns();
  const int64_t own_ns = std::min(took_ns, thread_ns - thread_ns_ - before_ns);
  steady_ns_ = now_ns;
  thread_ns_ = thread_ns;
  return own_ns > bound_ns_ ? own_ns : 0;
}

}  // namespace detectd
