#include "src/sources/prefetch.h"

#include <utility>

namespace detectd {

Prefetch::Prefetch(ReplaySource& source) : source_(source), report_(source.report()), free_(kChunks) {
  thread_ = std::thread([this] { read(); });
}

Prefetch::~Prefetch() { close(); }

void Prefetch::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  free_changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Result<bool> Prefetch::next(std::vector<Event>& chunk) {
  // What events reach belongs to the thread that judges them, so it lets go of it.
  for (Event& event : chunk) {
    event.process.reset();
    event.target.reset();
  }
  Chunk next;
  {
    std::unique_lock lock(mutex_);
    ready_changed_.wait(lock, [this] { return !ready_.empty() || ended_; });
    if (ready_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      chunk.clear();
      return false;
    }
    next = std::move(ready_.front());
    ready_.pop_front();
  }
  chunk.swap(next.events);
  report_ = std::move(next.report);
  Result<bool> more = std::move(next.more);
  {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(next));
  }
  free_changed_.notify_one();
  return more;
}

std::optional<Prefetch::Chunk> Prefetch::take_free() {
  std::unique_lock lock(mutex_);
  free_changed_.wait(lock, [this] { return !free_.empty() || stop_; });
  if (stop_) return std::nullopt;
  Chunk chunk = std::move(free_.back());
  free_.pop_back();
  return chunk;
}

void Prefetch::read() {
  try {
    while (std::optional<Chunk> chunk = take_free()) {
      chunk->more = source_.next(chunk->events);
      chunk->report = source_.report();
      const bool more = chunk->more && *chunk->more;
      {
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(*chunk));
      }
      ready_changed_.notify_one();
      if (!more) break;
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  ready_changed_.notify_one();
}

}  // namespace detectd
