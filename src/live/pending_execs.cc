#include "src/live/pending_execs.h"

#include <algorithm>
#include <utility>

namespace detectd {

std::optional<uint64_t> PendingExecs::add(int file, int64_t now_ns) {
  skip_answered();
  if (next_ - oldest_ == kMax) return std::nullopt;
  slot(next_) = {.file = file, .until_ns = now_ns + deadline_ns_};
  ++size_;
  return next_++;
}

std::optional<int> PendingExecs::take(uint64_t number) {
  if (number < oldest_ || number >= next_ || slot(number).file < 0) return std::nullopt;
  --size_;
  return std::exchange(slot(number).file, -1);
}

std::optional<int> PendingExecs::take_expired(int64_t now_ns) {
  skip_answered();
  if (oldest_ == next_ || slot(oldest_).until_ns > now_ns) return std::nullopt;
  return take(oldest_);
}

std::optional<int64_t> PendingExecs::wait_ns(int64_t now_ns) {
  skip_answered();
  if (oldest_ == next_) return std::nullopt;
  return std::max<int64_t>(slot(oldest_).until_ns - now_ns, 0);
}

// They came in the order in which their time is up.
void PendingExecs::skip_answered() {
  while (oldest_ != next_ && slot(oldest_).file < 0) ++oldest_;
}

}  // namespace detectd
