// Threads that share the work of one step, which then waits for all of them: fork and join.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace detectd {

class WorkerPool {
 public:
  // The caller's thread is one of `threads`; with 1 none is started.
  explicit WorkerPool(size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t size() const { return threads_.size() + 1; }

  // Calls work(task, worker) once for each task below `tasks`; `worker`, below size(), is the number of the
  // thread that does it. Returns when all are done. What a task throws, the first of them, is thrown here.
  // One run at a time, from one thread.
  void run(size_t tasks, const std::function<void(size_t task, size_t worker)>& work);

 private:
  void serve(size_t worker);
  void work_off(size_t worker);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(size_t, size_t)>* work_ = nullptr;
  size_t tasks_ = 0;
  size_t next_task_ = 0;
  size_t busy_ = 0;  // threads that still may take a task of this run
  uint64_t run_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
};

}  // namespace detectd
