// Execs that wait for an answer, and until when they may: whoever is to answer may be slow, stopped or gone, and
// the exec must not wait for that. Allocates nothing, reads no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace detectd {

class PendingExecs {
 public:
  static constexpr size_t kMax = 1024;

  explicit PendingExecs(int64_t deadline_ns) : deadline_ns_(deadline_ns) {}

  // The exec of this file waits from now on; its number, from 1 on. Nothing: too many wait, it is to be answered.
  std::optional<uint64_t> add(int file, int64_t now_ns);
  // The file whose exec is to be answered, once; nothing where that was done already, for its time was up.
  std::optional<int> take(uint64_t number);
  // One whose time is up by now, the longest waiting first.
  std::optional<int> take_expired(int64_t now_ns);
  // How long until the next one's time is up; nothing where none waits.
  std::optional<int64_t> wait_ns(int64_t now_ns);

  size_t size() const { return size_; }

 private:
  struct Slot {
    int file = -1;  // -1: free
    int64_t until_ns = 0;
  };
  Slot& slot(uint64_t number) { return slots_[number % kMax]; }
  void skip_answered();

  int64_t deadline_ns_;
  std::array<Slot, kMax> slots_{};
  uint64_t oldest_ = 1;  // of those that may still wait
  uint64_t next_ = 1;
  size_t size_ = 0;
};

}  // namespace detectd
