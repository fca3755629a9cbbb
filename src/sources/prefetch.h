// Reads and decodes the next chunks of a replay in a thread of its own, while this one's are judged. What is given,
// and in which order, stays the same.
//
// Which of the two has more to do depends on captures and rules, so neither waits while the other has tasks: who
// judges helps to decode before too little is ready, and who is far enough ahead helps to match.
#pragma once

#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "src/sources/replay.h"
#include "src/worker_pool.h"

namespace detectd {

// Of a chunk for each thread that decodes or matches: few enough to stay in its cache.
inline constexpr size_t kChunkEventsPerThread = 128;

class Prefetch final : public EventSource {
 public:
  // Only for sources that never wait for somebody else: a signal wakes one thread alone. `source` must outlive
  // this, and only close() or the end of this gives it back. `workers`, of which this is a caller, are those that
  // the source decodes with.
  Prefetch(ReplaySource& source, WorkerPool& workers);
  ~Prefetch() override;
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  Result<bool> next(std::vector<Event>& chunk) override;
  // As it was when the last chunk was made.
  const SourceReport& report() const override { return report_; }
  // Stops reading; the source's own report() is then as it was left.
  void close();

 private:
  // Chunks that are ready or being made: so many that neither side often waits, so few that they stay in a cache.
  static constexpr size_t kChunks = 4;
  // So many are to be ready before the next is judged, while there is something to help with: then there is one to
  // judge while the reader does what it alone can do.
  static constexpr size_t kEnough = 2;

  struct Chunk {
    std::vector<Event> events;
    Result<bool> more = false;
    SourceReport report;
  };

  void read();
  std::optional<Chunk> take_free();

  bool has_ready(size_t count);

  ReplaySource& source_;
  WorkerPool& workers_;
  SourceReport report_;
  std::mutex mutex_;
  std::deque<Chunk> ready_;
  std::vector<Chunk> free_;
  std::exception_ptr failure_;
  bool ended_ = false;  // nothing is added to ready_ any more
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace detectd
