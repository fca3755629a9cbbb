// Holds on processes, by pid and the time of the event that they were taken for: the newest, up to a bound. Also what
// is known of later programs of the same pid.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "src/fd.h"
#include "src/respond/process_view.h"

namespace detectd {

struct HeldProcess {
  uint32_t pid = 0;
  int64_t boot_ns = 0;  // of the event
  bool exec = false;
  bool doubtful = false;  // may be the next process of this pid
  bool refused = false;   // there was no descriptor for it
  Fd process = Fd();
  // As read behind it; of an exec.
  std::optional<uint64_t> start_ticks = {};
  uint64_t start_stack = 0;  // 0: not told
  uint64_t arg_start = 0;
  std::optional<FileKey> file = {};
};

class GripRing {
 public:
  static constexpr size_t kMaxHeld = 4096;

  explicit GripRing(size_t capacity) : capacity_(capacity) {}

  void set_capacity(size_t capacity) { capacity_ = capacity; }
  // In order of time, but for a little. Where descriptors are short the older half is let go.
  void add(HeldProcess held);
  const HeldProcess* find(uint32_t pid, int64_t boot_ns) const;
  // Whether a later exec of this pid was heard of.
  bool has_later_exec(uint32_t pid, int64_t boot_ns) const;

  size_t size() const { return held_.size(); }
  uint64_t evicted() const { return evicted_; }

 private:
  using Key = std::pair<uint32_t, int64_t>;
  void evict_oldest();

  size_t capacity_;
  std::map<Key, HeldProcess> held_;
  std::deque<Key> order_;
  uint64_t evicted_ = 0;
};

}  // namespace detectd
