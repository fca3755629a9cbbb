#include "src/clock.h"

#include <time.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "engine/timestamp.h"

namespace detectd {
namespace {

std::optional<int64_t> source_date_epoch_s() {
  const char* text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr) return std::nullopt;
  const std::string_view view(text);
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), seconds);
  // Until the year 2261, which is what nanoseconds can say.
  const bool valid =
      error == std::errc{} && end == view.data() + view.size() && seconds >= 0 && seconds < 9'200'000'000;
  return valid ? std::optional(seconds) : std::nullopt;
}

const std::optional<int64_t>& stopped_at_s() {
  static const std::optional<int64_t> value = source_date_epoch_s();
  return value;
}

template <class Clock>
int64_t read_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

int64_t wall_clock_ns() {
  if (stopped_at_s()) return *stopped_at_s() * kNanosPerSecond;
  return read_ns<std::chrono::system_clock>();
}

int64_t steady_clock_ns() { return read_ns<std::chrono::steady_clock>(); }

int64_t thread_cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * kNanosPerSecond + now.tv_nsec;
}

int64_t thread_cpu_resolution_ns() {
  int64_t least = std::numeric_limits<int64_t>::max();
  for (int i = 0; i < 100; ++i) {
    const int64_t before = thread_cpu_ns();
    least = std::min(least, thread_cpu_ns() - before);
  }
  return least;
}

int64_t shown_elapsed_ns(int64_t start_ns) { return stopped_at_s() ? 0 : steady_clock_ns() - start_ns; }

}  // namespace detectd
