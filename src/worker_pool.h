// Threads that share the work of a step, which then waits for all of it: fork and join. Several threads may have
// steps under way at the same time, and one that waits for another helps it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <thread>
#include <vector>

namespace detectd {

class WorkerPool {
 public:
  // `callers` of the threads, one or more, are the user's: run() and help() are called from so many. The others
  // are started here.
  explicit WorkerPool(size_t threads, size_t callers = 1);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Of all threads.
  size_t size() const { return size_; }

  // Calls work(task, worker) once for each task below `tasks`, on any threads; `worker`, below size(), is a number
  // that no other thread has in this run at the same time. Returns when all are done. What a task throws, the first
  // of them, is thrown here. A task must not call run() or help().
  void run(size_t tasks, const std::function<void(size_t task, size_t worker)>& work);

  // Does one task of another thread's run; false where none is left.
  bool help();
  // Helps until `ready` is true, which is asked again after each task and each wake(), under a lock of the pool.
  void help_until(const std::function<bool()>& ready);
  // To be called when what somebody's `ready` asks for has changed, with nothing locked that it locks.
  void wake();

 private:
  struct Run {
    const std::function<void(size_t, size_t)>* work = nullptr;
    size_t tasks = 0;
    size_t next = 0;
    size_t busy = 0;           // threads that are at a task
    std::vector<size_t> free;  // numbers of workers that nobody has
    std::exception_ptr failure;

    bool has_task() const { return next < tasks && !failure; }
  };
  using Lock = std::unique_lock<std::mutex>;

  Run* find_run();
  void do_task(Run& run, Lock& lock);
  // What somebody may wait for has changed; under the lock.
  void tell_all();
  // Waits for that, awake at first; may return sooner.
  void wait_for_change(Lock& lock);
  void serve();

  const size_t size_;
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<uint64_t> changes_ = 0;  // written under the lock
  std::list<Run> runs_;
  bool stop_ = false;
};

}  // namespace detectd
