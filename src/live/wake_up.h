// One thread waits, another wakes it; costs the one that wakes a system call only where somebody sleeps.
#pragma once

#include <atomic>
#include <cstdint>

namespace detectd {

class WakeUp {
 public:
  void signal() {
    rounds_.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers_.load(std::memory_order_seq_cst) != 0) wake_all();
  }
  // Until `ready()` holds, or signal() was called meanwhile, or the time is up.
  template <class Ready>
  void wait(Ready ready, int64_t timeout_ns) {
    const uint32_t round = rounds_.load(std::memory_order_seq_cst);
    sleepers_.fetch_add(1, std::memory_order_seq_cst);
    if (!ready()) sleep(round, timeout_ns);
    sleepers_.fetch_sub(1, std::memory_order_seq_cst);
  }

 private:
  void wake_all();
  // Unless rounds_ is no longer `round`.
  void sleep(uint32_t round, int64_t timeout_ns);

  std::atomic<uint32_t> rounds_{0};
  std::atomic<uint32_t> sleepers_{0};
};

}  // namespace detectd
