// A bounded queue from one thread to one other, without locks: the receive thread runs above all others and must
// not wait for one that was put to sleep while it held a mutex.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "src/live/wake_up.h"

namespace detectd {

template <class T>
class SpscQueue {
 public:
  // `capacity` is a power of two.
  explicit SpscQueue(size_t capacity) : slots_(capacity), mask_(capacity - 1) {}

  // The producer's. Swaps `value` in, so that what was in the slot comes back to be used again. False if full.
  bool push(T& value) {
    const size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == slots_.size()) return false;
    std::swap(slots_[tail & mask_], value);
    tail_.store(tail + 1, std::memory_order_release);
    filled_.signal();
    return true;
  }
  // The consumer's. Swaps the oldest out. False if empty.
  bool pop(T& value) {
    const size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    std::swap(slots_[head & mask_], value);
    head_.store(head + 1, std::memory_order_release);
    emptied_.signal();
    return true;
  }

  // Until there may be something to pop, or room to push, or the time is up, or for no reason.
  void wait_filled(int64_t timeout_ns) {
    filled_.wait([this] { return size() != 0; }, timeout_ns);
  }
  void wait_room(int64_t timeout_ns) {
    emptied_.wait([this] { return size() != slots_.size(); }, timeout_ns);
  }
  // Ends a wait_filled() of the consumer.
  void wake() { filled_.signal(); }

  size_t size() const {
    return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire);
  }

 private:
  std::vector<T> slots_;
  size_t mask_;
  alignas(64) std::atomic<size_t> head_{0};
  alignas(64) std::atomic<size_t> tail_{0};
  alignas(64) WakeUp filled_;
  alignas(64) WakeUp emptied_;
};

}  // namespace detectd
