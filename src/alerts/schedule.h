// When something is due that comes again and again, by the wall clock: at the same times whoever asks when, so that
// nothing drifts. Times that passed while nobody asked (the host slept, detectd did not run) are one, the last of them.
#pragma once

#include <cstdint>
#include <optional>

namespace detectd {

class Schedule {
 public:
  struct Options {
    int64_t every_ns = 0;
    // Minutes since midnight, in local time: with a period of whole days it is then, else times count from then.
    std::optional<int> at_minute = std::nullopt;
  };
  explicit Schedule(Options options) : options_(options) {}

  // The first due time behind `time_ns`.
  int64_t next(int64_t time_ns) const;
  // The last due time until `now_ns` that is behind `done_ns`; nothing if none passed. A clock that was set back does
  // nothing until it is where it was.
  std::optional<int64_t> due(int64_t done_ns, int64_t now_ns) const;

 private:
  int64_t previous(int64_t time_ns) const;  // the last until `time_ns`
  int64_t local_time(int64_t day, int minute) const;

  Options options_;
};

}  // namespace detectd
