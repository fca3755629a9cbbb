#include "src/worker_pool.h"

#include <algorithm>
#include <utility>

namespace detectd {

WorkerPool::WorkerPool(size_t threads) {
  for (size_t worker = 1; worker < threads; ++worker) {
    threads_.emplace_back([this, worker] { serve(worker); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run(size_t tasks, const std::function<void(size_t, size_t)>& work) {
  if (threads_.empty() || tasks < 2) {
    for (size_t task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    tasks_ = tasks;
    next_task_ = 0;
    busy_ = threads_.size();
    ++run_;
  }
  wake_.notify_all();
  work_off(0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
  work_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void WorkerPool::serve(size_t worker) {
  uint64_t served = 0;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || run_ != served; });
      if (stop_) return;
      served = run_;
    }
    work_off(worker);
    const std::lock_guard lock(mutex_);
    if (--busy_ == 0) done_.notify_one();
  }
}

void WorkerPool::work_off(size_t worker) {
  while (true) {
    size_t task = 0;
    {
      const std::lock_guard lock(mutex_);
      if (next_task_ >= tasks_ || failure_) return;
      task = next_task_++;
    }
    try {
      (*work_)(task, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }
}

}  // namespace detectd
