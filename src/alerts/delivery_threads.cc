#include "src/alerts/delivery_threads.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

constexpr int64_t kLeaveBehindNs = 1'000'000'000;
// For what is on its way when others take over.
constexpr int64_t kHandOverNs = 1'000'000'000;

Delivery::Now now() { return {.wall_ns = wall_clock_ns(), .steady_ns = steady_clock_ns()}; }

std::chrono::nanoseconds until(int64_t deadline_ns) {
  return std::chrono::nanoseconds(std::max<int64_t>(deadline_ns - steady_clock_ns(), 0));
}

// Signals are the main thread's; a broken pipe is an error of a call, not of the program. Threads that are made meanwhile
// inherit it.
class SignalsElsewhere {
 public:
  SignalsElsewhere() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsElsewhere() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsElsewhere(const SignalsElsewhere&) = delete;
  SignalsElsewhere& operator=(const SignalsElsewhere&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

DeliveryThreads::DeliveryThreads(std::vector<std::unique_ptr<Delivery>> deliveries) {
  for (std::unique_ptr<Delivery>& delivery : deliveries) {
    workers_.push_back(std::make_shared<Worker>());
    workers_.back()->delivery = std::move(delivery);
  }
}

DeliveryThreads::~DeliveryThreads() { stop(0); }

void DeliveryThreads::start() {
  const SignalsElsewhere blocked;
  start_workers();
}

void DeliveryThreads::start_behind(std::shared_ptr<DeliveryThreads> before) {
  const SignalsElsewhere blocked;
  handover_ = std::thread([this, before = std::move(before)] {
    pthread_setname_np(pthread_self(), "alerts");
    before->stop(kHandOverNs);
    start_workers();
  });
}

void DeliveryThreads::start_workers() {
  for (const std::shared_ptr<Worker>& worker : workers_) {
    threads_.emplace_back([worker] {
      pthread_setname_np(pthread_self(), "alerts");
      run(*worker);
    });
  }
}

void DeliveryThreads::run(Worker& worker) {
  Delivery& delivery = *worker.delivery;
  while (true) {
    const std::optional<int64_t> wait_ns = delivery.turn(now(), worker.interrupt);
    std::unique_lock lock(worker.mutex);
    const bool nothing_left = delivery.is_idle() && !worker.woken;
    if (worker.stopping && (nothing_left || steady_clock_ns() >= worker.drain_until_ns)) break;
    const auto due = [&worker] { return worker.woken; };
    if (!wait_ns) {
      worker.changed.wait(lock, due);
    } else if (*wait_ns > 0) {
      worker.changed.wait_for(lock, std::chrono::nanoseconds(*wait_ns), due);
    }
    worker.woken = false;
  }
  delivery.finish(now(), worker.interrupt);
  const std::lock_guard lock(worker.mutex);
  worker.done = true;
  worker.changed.notify_all();
}

void DeliveryThreads::wake() {
  for (const std::shared_ptr<Worker>& worker : workers_) {
    const std::lock_guard lock(worker->mutex);
    worker->woken = true;
    worker->changed.notify_all();
  }
}

void DeliveryThreads::reopen() {
  for (const std::shared_ptr<Worker>& worker : workers_) worker->delivery->sink().reopen();
}

void DeliveryThreads::add_notice(Level level, const std::string& text) {
  for (const std::shared_ptr<Worker>& worker : workers_) worker->delivery->add_notice(level, text);
  wake();
}

std::vector<Delivery::Status> DeliveryThreads::status() const {
  std::vector<Delivery::Status> all;
  all.reserve(workers_.size());
  for (const std::shared_ptr<Worker>& worker : workers_) all.push_back(worker->delivery->status());
  return all;
}

void DeliveryThreads::stop(int64_t drain_ns) {
  if (handover_.joinable()) handover_.join();
  if (threads_.empty()) return;
  const int64_t deadline_ns = steady_clock_ns() + drain_ns;
  for (const std::shared_ptr<Worker>& worker : workers_) {
    const std::lock_guard lock(worker->mutex);
    worker->stopping = worker->woken = true;
    worker->drain_until_ns = deadline_ns;
    worker->changed.notify_all();
  }
  for (size_t i = 0; i < workers_.size(); ++i) {
    Worker& worker = *workers_[i];
    std::unique_lock lock(worker.mutex);
    const auto done = [&worker] { return worker.done; };
    if (!worker.changed.wait_for(lock, until(deadline_ns), done)) {
      worker.interrupt.raise();
      worker.changed.wait_for(lock, std::chrono::nanoseconds(kLeaveBehindNs), done);
    }
    const bool ended = worker.done;
    lock.unlock();
    if (ended) {
      threads_[i].join();
    } else {
      threads_[i].detach();
    }
  }
  threads_.clear();
}

}  // namespace detectd
