#include "src/alerts/schedule.h"

#include <time.h>

#include <algorithm>

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kDayNs = 86'400 * kSecondNs;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Days since 1970 of the local calendar.
int64_t local_day(int64_t time_ns) {
  const time_t seconds = static_cast<time_t>(floor_div(time_ns, kSecondNs));
  tm parts{};
  localtime_r(&seconds, &parts);
  parts.tm_isdst = 0;
  return floor_div(timegm(&parts), 86'400);
}

}  // namespace

// Where a clock that is put forward leaves a time out, mktime(3) takes the one an hour later.
int64_t Schedule::local_time(int64_t day, int minute) const {
  const time_t noon = static_cast<time_t>(day * 86'400 + 43'200);
  tm parts{};
  gmtime_r(&noon, &parts);
  parts.tm_hour = minute / 60;
  parts.tm_min = minute % 60;
  parts.tm_sec = 0;
  parts.tm_isdst = -1;
  return int64_t{mktime(&parts)} * kSecondNs;
}

int64_t Schedule::previous(int64_t time_ns) const {
  if (!options_.at_minute) return floor_div(time_ns, options_.every_ns) * options_.every_ns;
  const int64_t today = local_day(time_ns);
  if (options_.every_ns % kDayNs == 0) {
    const int64_t days = options_.every_ns / kDayNs;
    int64_t day = floor_div(today, days) * days;
    while (local_time(day, *options_.at_minute) > time_ns) day -= days;
    return local_time(day, *options_.at_minute);
  }
  int64_t begin_ns = local_time(today, *options_.at_minute);
  if (begin_ns > time_ns) begin_ns = local_time(today - 1, *options_.at_minute);
  return begin_ns + floor_div(time_ns - begin_ns, options_.every_ns) * options_.every_ns;
}

int64_t Schedule::next(int64_t time_ns) const {
  if (!options_.at_minute) return previous(time_ns) + options_.every_ns;
  const int64_t today = local_day(time_ns);
  if (options_.every_ns % kDayNs == 0) {
    const int64_t days = options_.every_ns / kDayNs;
    int64_t day = floor_div(today, days) * days;
    while (local_time(day, *options_.at_minute) <= time_ns) day += days;
    return local_time(day, *options_.at_minute);
  }
  int64_t begin_ns = local_time(today, *options_.at_minute);
  if (begin_ns <= time_ns) begin_ns = local_time(today + 1, *options_.at_minute);
  return std::min(previous(time_ns) + options_.every_ns, begin_ns);
}

std::optional<int64_t> Schedule::due(int64_t done_ns, int64_t now_ns) const {
  const int64_t last_ns = previous(now_ns);
  if (last_ns <= done_ns) return std::nullopt;
  return last_ns;
}

}  // namespace detectd
