// Commits what a store has recorded while others go on judging: a disk may take its time, a process that is to end does
// not wait. While it is busy nobody else may touch the store.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/result.h"
#include "src/store/hit_store.h"

namespace detectd {

// All but the thread within is one thread's.
class Committer {
 public:
  explicit Committer(HitStore& store);
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  bool busy() const { return busy_; }
  // Begins a commit; not while it is busy.
  void begin();
  // How it ended, once; nothing while it goes on, or where there is none.
  std::optional<Status> take_result();
  // The same, but waits for it.
  std::optional<Status> wait();

 private:
  void run();

  HitStore& store_;
  bool busy_ = false;  // begun, and its result not taken
  std::mutex mutex_;
  std::condition_variable changed_;
  bool wanted_ = false;
  bool stop_ = false;
  std::optional<Status> result_;
  std::thread thread_;
};

}  // namespace detectd
