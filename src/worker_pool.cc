#include "src/worker_pool.h"

#include <algorithm>
#include <utility>

namespace detectd {

WorkerPool::WorkerPool(size_t threads, size_t callers) : size_(std::max(threads, callers)) {
  for (size_t started = callers; started < threads; ++started) {
    threads_.emplace_back([this] { serve(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::run(size_t tasks, const std::function<void(size_t, size_t)>& work) {
  if (size_ == 1 || tasks < 2) {
    for (size_t task = 0; task < tasks; ++task) work(task, 0);
    return;
  }
  Lock lock(mutex_);
  const auto run = runs_.emplace(runs_.end());
  run->work = &work;
  run->tasks = tasks;
  for (size_t worker = size_; worker > 0; --worker) run->free.push_back(worker - 1);
  changed_.notify_all();
  while (run->has_task()) do_task(*run, lock);
  changed_.wait(lock, [&] { return run->busy == 0; });
  const std::exception_ptr failure = std::move(run->failure);
  runs_.erase(run);
  if (failure) std::rethrow_exception(failure);
}

bool WorkerPool::help() {
  Lock lock(mutex_);
  Run* const run = find_run();
  if (run != nullptr) do_task(*run, lock);
  return run != nullptr;
}

void WorkerPool::help_until(const std::function<bool()>& ready) {
  Lock lock(mutex_);
  while (!ready()) {
    if (Run* const run = find_run(); run != nullptr) {
      do_task(*run, lock);
    } else {
      changed_.wait(lock);
    }
  }
}

void WorkerPool::wake() {
  // Who has just been told `false` waits before the lock can be had.
  { const std::lock_guard lock(mutex_); }
  changed_.notify_all();
}

void WorkerPool::serve() {
  help_until([this] { return stop_; });
}

// The run that began first, of those that have a task left.
WorkerPool::Run* WorkerPool::find_run() {
  const auto run = std::find_if(runs_.begin(), runs_.end(), [](const Run& one) { return one.has_task(); });
  return run == runs_.end() ? nullptr : &*run;
}

// The next task of a run that has one; `lock` is given up meanwhile.
void WorkerPool::do_task(Run& run, Lock& lock) {
  const size_t task = run.next++;
  const size_t worker = run.free.back();
  run.free.pop_back();
  ++run.busy;
  const auto* const work = run.work;
  lock.unlock();
  std::exception_ptr failure;
  try {
    (*work)(task, worker);
  } catch (...) {
    failure = std::current_exception();
  }
  lock.lock();
  if (failure && !run.failure) run.failure = failure;
  run.free.push_back(worker);
  // The caller waits for the last one.
  if (--run.busy == 0 && !run.has_task()) changed_.notify_all();
}

}  // namespace detectd
