// Proof that events arrive: once a period the daemon starts a thread that ends at once, whose fork the kernel must
// tell of. The stream can fall silent without any error; acknowledgements prove nothing.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace detectd {

class Heartbeat {
 public:
  // Misses in a row that mean blind; after the first one the next beats follow each other in kRetryNs.
  static constexpr unsigned kMisses = 3;
  static constexpr int64_t kRetryNs = 300'000'000;

  struct Options {
    int64_t period_ns = 1'000'000'000;
    // Starts a thread that ends at once; a test's may do nothing.
    std::function<void()> beat;
  };
  explicit Heartbeat(Options options);
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  void start();
  void stop();

  // The receive thread heard one, of this time (CLOCK_MONOTONIC).
  void hear(int64_t monotonic_ns);
  bool blind() const { return blind_.load(); }
  int64_t heard_ns() const { return heard_ns_.load(); }
  uint64_t heard() const { return heard_.load(); }
  // Waits until one was heard. False when the time was up before.
  bool wait_heard(int64_t timeout_ns);

 private:
  void run();
  bool wait_for(std::unique_lock<std::mutex>& lock, uint64_t after, int64_t timeout_ns);

  Options options_;
  std::atomic<bool> blind_{false};
  std::atomic<int64_t> heard_ns_{0};
  std::atomic<uint64_t> heard_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::thread thread_;
};

// One beat for the kernel: a thread of this process that ends at once, with a status.
void beat_by_thread();

}  // namespace detectd
