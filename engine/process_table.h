// Lineage and credentials rebuilt from events: who was whose parent, what ran before, who was it then.
// Look-ups never fetch and never insert. Bounded by processes and by bytes; what is dropped is counted.
//
// A process is known by host, boot, pid and birth. Its entry lives from its fork (or the first event that
// names it) until 5 s of event time after its end, since late events and forks still name it; of those that have ended the
// last 8192.
//
// Nodes are immutable: a change makes a new Process that shares what did not change. A chain of parents is
// cut when it gets 2 * kMaxAncestors long: the nearest kMaxAncestors are copied, shallowly, and the rest is
// let go. So an event always shows as many ancestors as there were, up to kMaxAncestors.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"
#include "engine/process.h"

namespace detectd {

class ProcessTable {
 public:
  struct Options {
    size_t max_processes = 100'000;
    size_t max_bytes = size_t{96} << 20;
  };
  struct Counters {
    uint64_t processes = 0;  // in the table now
    uint64_t created = 0;
    uint64_t evicted_live = 0;   // dropped for the bound while running: their lineage is lost
    uint64_t evicted_ended = 0;  // dropped for the bound after their end
    uint64_t reused_pids = 0;
  };

  explicit ProcessTable(Options options);
  ~ProcessTable();

  // Applies an event, in order: adds the derived fields (derived_fields.h), sets event.process and
  // event.target, and `detectd.escalated` and `Ext.setuid` where they are known. What the line carries
  // wins; but of a parent whose fork was seen the table's word does, and what the line says otherwise is
  // taken off the event.
  void apply(Event& event);

  // The process that has this pid now, or had it last, on the host of the event applied last; null if
  // unknown.
  std::shared_ptr<const Process> find(uint32_t pid) const;
  // Those that have not ended, on all hosts, in no order.
  std::vector<std::shared_ptr<const Process>> running() const;
  Counters counters() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace detectd
