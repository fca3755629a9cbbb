// Lineage and credentials rebuilt from events: who was whose parent, what ran before, who was it then.
// Look-ups never fetch and never insert. Bounded by processes and by bytes; what is dropped is counted.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "engine/event.h"
#include "engine/process.h"

namespace detectd {

class ProcessTable {
 public:
  struct Options {
    size_t max_processes = 100'000;
    size_t max_bytes = size_t{96} << 20;
  };
  struct Counters {
    uint64_t processes = 0;        // in the table now
    uint64_t created = 0;
    uint64_t evicted_live = 0;     // dropped for the bound while running: their lineage is lost
    uint64_t evicted_ended = 0;    // dropped for the bound after their end
    uint64_t reused_pids = 0;
  };

  explicit ProcessTable(Options options);
  ~ProcessTable();

  // Applies an event, in order: sets event.process and event.target, adds derived fields.
  void apply(Event& event);

  // The process that has this pid now, or had it last, on the host of the event applied last; null if
  // unknown.
  std::shared_ptr<const Process> find(uint32_t pid) const;
  Counters counters() const;
};

}  // namespace detectd
