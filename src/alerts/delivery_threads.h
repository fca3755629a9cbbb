// A thread for each sink, so that none waits for another, and nobody for them.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "src/alerts/delivery.h"

namespace detectd {

class DeliveryThreads {
 public:
  explicit DeliveryThreads(std::vector<std::unique_ptr<Delivery>> deliveries);
  // What is under way is broken off.
  ~DeliveryThreads();
  DeliveryThreads(const DeliveryThreads&) = delete;
  DeliveryThreads& operator=(const DeliveryThreads&) = delete;

  void start();
  // The same, once those of before have ended, which may take seconds: on a thread of its own. Sinks of one name are never
  // told by both.
  void start_behind(std::shared_ptr<DeliveryThreads> before);
  // There may be new hits. Cheap, from any thread.
  void wake();
  void reopen();
  void add_notice(Level level, const std::string& text);
  std::vector<Delivery::Status> status() const;
  // Gives what waits up to `drain_ns` to be told, where receivers answer, then ends.
  void stop(int64_t drain_ns);

 private:
  // Shared with its thread: one that hangs in a name look-up is left behind.
  struct Worker {
    std::unique_ptr<Delivery> delivery;
    Interrupt interrupt;
    std::mutex mutex;
    std::condition_variable changed;
    bool woken = true;
    bool stopping = false;
    int64_t drain_until_ns = 0;  // of the steady clock
    bool done = false;
  };
  static void run(Worker& worker);
  void start_workers();

  std::vector<std::shared_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::thread handover_;  // makes threads_
};

}  // namespace detectd
