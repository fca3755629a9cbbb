// Where events come from: captures now, the kernel later.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/event.h"
#include "engine/event_clock.h"
#include "engine/result.h"

namespace detectd {

// How complete what a source gave is. Grows while the source is read.
struct SourceReport {
  uint64_t events = 0;       // given to the caller
  uint64_t skipped = 0;      // lines that could not be used
  uint64_t bytes_read = 0;   // of the files as they are stored, compressed or not
  uint64_t bytes_total = 0;  // 0 where not known (standard input)
  // What is to be told at the end, and on failure the mistake itself (Severity::kError). Sorted by file,
  // then line.
  Diagnostics diagnostics;
};

class EventSource {
 public:
  virtual ~EventSource() = default;

  // Replaces the contents of `chunk` by the next events, in final order: at most some thousand, and at least one
  // unless settled() has moved on. False, and an empty chunk, at the end. The Events that `chunk` came with are used again, so a
  // caller gives back the vector it was given. After an error there are no more events; where it is a
  // mistake in a capture, report() has it as a diagnostic with its place.
  virtual Result<bool> next(std::vector<Event>& chunk) = 0;

  // Adds to an event that next() gave what is read only for those for which a rule holds. It may be known no more.
  virtual void complete(Event&) {}

  // A moment from before which no event will follow those of the last chunk: so a stream that pauses is judged in
  // time. Nothing where the next event says it soon enough.
  virtual std::optional<Moment> settled() const { return std::nullopt; }

  // Counts and warnings so far; complete once next() gave false or an error.
  virtual const SourceReport& report() const = 0;
};

}  // namespace detectd
