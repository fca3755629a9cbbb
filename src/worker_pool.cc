#include "src/worker_pool.h"

#include <algorithm>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

// How long a thread waits awake before it sleeps: most of what is waited for comes sooner, and to be woken takes 5 to
// 100 us, the more where a hypervisor has to begin a halted processor again.
constexpr int64_t kAwakeNs = 100'000;

}  // namespace

WorkerPool::WorkerPool(size_t threads, size_t callers) : size_(std::max(threads, callers)) {
  for (size_t started = callers; started < threads; ++started) {
    threads_.emplace_back([this] { serve(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    tell_all();
  }
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
  tell_all();
  while (run->has_task()) do_task(*run, lock);
  while (run->busy != 0) wait_for_change(lock);
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
      wait_for_change(lock);
    }
  }
}

void WorkerPool::tell_all() {
  changes_.store(changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  changed_.notify_all();
}

void WorkerPool::wait_for_change(Lock& lock) {
  const uint64_t seen = changes_.load(std::memory_order_relaxed);
  const auto is_as_it_was = [&] { return changes_.load(std::memory_order_acquire) == seen; };
  lock.unlock();
  for (const int64_t begin_ns = steady_clock_ns();
       is_as_it_was() && steady_clock_ns() - begin_ns < kAwakeNs;) {
    std::this_thread::yield();
  }
  lock.lock();
  if (is_as_it_was()) changed_.wait(lock);
}

void WorkerPool::wake() {
  const std::lock_guard lock(mutex_);
  tell_all();
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
  if (--run.busy == 0 && !run.has_task()) tell_all();
}

}  // namespace detectd
