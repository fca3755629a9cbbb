#include "src/committer.h"

#include <pthread.h>

#include <utility>

#include "src/thread_priority.h"

namespace detectd {

Committer::Committer(HitStore& store) : store_(store), thread_([this] { run(); }) {}

Committer::~Committer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Committer::begin() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  busy_ = true;
  changed_.notify_all();
}

std::optional<Status> Committer::take_result() {
  if (!busy_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (result_) busy_ = false;
  return std::exchange(result_, std::nullopt);
}

std::optional<Status> Committer::wait() {
  if (!busy_) return std::nullopt;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return result_.has_value(); });
  busy_ = false;
  return std::exchange(result_, std::nullopt);
}

void Committer::run() {
  pthread_setname_np(pthread_self(), "commit");
  // Whoever made this thread may be in a hurry.
  let_others_first();
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return wanted_ || stop_; });
    if (!std::exchange(wanted_, false)) return;
    lock.unlock();
    Status status = store_.commit();
    lock.lock();
    result_.emplace(std::move(status));
    changed_.notify_all();
  }
}

}  // namespace detectd
