// Captures, read as one stream of events (CAPTURES in detectd-events(5)): several files or standard input,
// plain, gzip or zstd, in constant memory.
//
// Lines are read and decompressed by the caller's thread, decoded by all workers, and then brought in
// order: a capture with our header stays as it is; any other is sorted by time within 50 ms; files are
// merged by time. The order depends on nothing but the lines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/fields.h"
#include "engine/result.h"
#include "src/sources/event_source.h"
#include "src/worker_pool.h"

namespace detectd {

struct ReplayOptions {
  std::vector<std::string> paths;        // `-` is standard input
  bool skip_bad = false;                 // count broken lines and go on
  size_t chunk_events = 256;             // at most so many a chunk
  size_t chunk_bytes = size_t{8} << 20;  // of lines, a chunk; at least one event
};

class ReplaySource : public EventSource {
 public:
  // Opens all files. `schema` and `workers` must outlive the source. On failure `diagnostics` has what is
  // wrong with each file that cannot be read as a capture.
  static Result<std::unique_ptr<ReplaySource>> open(ReplayOptions options, const Schema& schema,
                                                    WorkerPool& workers, Diagnostics& diagnostics);
  ~ReplaySource() override;

  Result<bool> next(std::vector<Event>& chunk) override;
  const SourceReport& report() const override;
  // Nothing more will be read: from here on report() has the warnings about what was, also where that is not
  // all there is.
  void close();

  // The name of the file that an event's Origin means, as given; "<stdin>" for `-`.
  const std::string& path(uint32_t file) const;

 private:
  class Merger;
  explicit ReplaySource(std::unique_ptr<Merger> merger);
  std::unique_ptr<Merger> merger_;
};

}  // namespace detectd
