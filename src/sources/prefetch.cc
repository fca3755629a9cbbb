#include "src/sources/prefetch.h"

#include <utility>

namespace detectd {

Prefetch::Prefetch(ReplaySource& source, WorkerPool& workers)
    : source_(source), workers_(workers), report_(source.report()), free_(kChunks) {
  thread_ = std::thread([this] { read(); });
}

Prefetch::~Prefetch() { close(); }

void Prefetch::close() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  workers_.wake();
  if (thread_.joinable()) thread_.join();
}

bool Prefetch::has_ready(size_t count) {
  const std::lock_guard lock(mutex_);
  return ready_.size() >= count || ended_;
}

Result<bool> Prefetch::next(std::vector<Event>& chunk) {
  // What events reach belongs to the thread that judges them, so it lets go of it.
  for (Event& event : chunk) {
    event.process.reset();
    event.target.reset();
  }
  while (!has_ready(kEnough) && workers_.help()) {
  }
  workers_.help_until([this] { return has_ready(1); });
  Chunk next;
  {
    const std::lock_guard lock(mutex_);
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
  workers_.wake();
  return more;
}

std::optional<Prefetch::Chunk> Prefetch::take_free() {
  workers_.help_until([this] {
    const std::lock_guard lock(mutex_);
    return !free_.empty() || stop_;
  });
  const std::lock_guard lock(mutex_);
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
      workers_.wake();
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
  workers_.wake();
}

}  // namespace detectd
