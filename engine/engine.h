// The engine: a pure function of the event stream. It has no clock, no file, no socket and no log.
//
//   observe   in order: process table, lineage, derived fields; gives the events back in the order
//   in
//             which they are to be judged (an id change may wait 10 ms for its exec)
//   match     const, may run in parallel: which rules hold for an event
//   conclude  in order: hits, correlations, folding of repeats, digests
//
// Splitting a stream into chunks, and matching on several threads, changes no result.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/correlator.h"
#include "engine/digest.h"
#include "engine/event.h"
#include "engine/event_clock.h"
#include "engine/event_key.h"
#include "engine/hit.h"
#include "engine/hits_digest.h"
#include "engine/process_table.h"
#include "engine/rule_set.h"
#include "engine/suppressor.h"
#include "engine/term_history.h"

namespace detectd {

class EventOrder;
class Matcher;

class Engine {
 public:
  struct Options {
    size_t max_processes = 100'000;
    HitSelection selection{};
    Correlator::Options correlator = {};
    Suppressor::Options suppressor = {};
    // Live: event.sequence is given here, from 1 on, in the order in which events are judged.
    bool number_events = false;
    bool report_silent = false;  // hits that are parts of others too, for tests
  };
  struct Counters {
    uint64_t events = 0;         // shown to rules
    uint64_t hits = 0;           // before folding
    uint64_t hits_left_out = 0;  // of them: not selected
    // Id changes that were judged without waiting for their exec, because too many others waited.
    uint64_t id_changes_hurried = 0;
    ProcessTable::Counters processes;
    Correlator::Counters correlator;
    Suppressor::Counters suppressor;
  };

  Engine(std::shared_ptr<const RuleSet> rules, Options options);
  ~Engine();

  // Takes `event` and appends to `ready` what may be judged now. Events are swapped in, so `event`
  // is left without a meaning, but reusable; swapping a chunk with a `ready` that is done lets
  // buffers circulate.
  void observe(Event& event, std::vector<Event>& ready);
  // A stream that pauses: no event from before `moment` will come, so what waited for one is given back. Then
  // settle(), once what it gave is concluded. The hits are the same as if the next event had said so.
  void advance(const Moment& moment, std::vector<Event>& ready);
  // The end of the stream: gives back what still waits.
  void flush(std::vector<Event>& ready);
  // The rules that hold, as indices into rules().rules(), ascending by rule id. `matcher` is one
  // thread's.
  void match(const Event& event, Matcher& matcher, std::vector<uint32_t>& held) const;
  // Appends what is to be reported, for every event in order, also where no rule held: folds of windows
  // that closed before it, then the selected hits by rule id. The others count, and are in the digest.
  void conclude(const Event& event, std::span<const uint32_t> held, std::vector<Hit>& hits);
  // Appends the folds of windows that closed so long before `moment` that no event can fall into them.
  void settle(const Moment& moment, std::vector<Hit>& folds);
  // The end of the stream, behind the last conclude(): appends the folds of all windows.
  void finish(std::vector<Hit>& folds);

  // The processes that run, as the events observed so far tell it: see visit_as_running.
  void visit_running(const std::function<void(Event&)>& visit) const;

  // The same as nodes, in no order.
  std::vector<std::shared_ptr<const Process>> running() const { return table_.running(); }

  // Between two events: other rules from now on. What correlations remember is kept where neither they nor
  // the rules they name have changed. Matchers and decoders are to be made anew.
  void reload(std::shared_ptr<const RuleSet> rules);

  // What correlations of the type new_terms have seen, to be learnt by the next run before its first event.
  // A run that learns from an earlier one has fewer hits than its events alone give: a replay does not.
  std::vector<TermHistory> history() const { return correlator_.history(); }
  void learn(std::span<const TermHistory> histories) { correlator_.learn(histories); }

  const RuleSet& rules() const { return *rules_; }
  Counters counters() const;
  // SHA-256 over the sorted ids of all hits so far, those of `detectd.*` rules left out; nothing where they
  // are more than HitsDigest::kMaxHits.
  std::optional<Sha256> hits_digest() { return digest_.digest(); }

 private:
  // What has just become ready, from index `first` on: placed in time, counted, given its lineage.
  void admit(std::vector<Event>& ready, size_t first);
  void number(Event& event);
  void report(const Event& event, std::span<const uint32_t> held, std::vector<Hit>& hits);
  void report(Hit hit, int64_t time_ns, const CompiledSuppress& suppress, std::vector<Hit>& hits);
  // Whether anybody asks for the event of a rule's hit.
  bool is_wanted(const Event& event, uint32_t rule) const;

  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<EventOrder> order_;
  EventClock clock_;
  bool number_events_;
  uint64_t sequence_ = 0;
  ProcessTable table_;
  uint64_t events_ = 0;
  HitSelection selection_;
  uint64_t hits_ = 0;
  uint64_t hits_left_out_ = 0;
  Correlator correlator_;
  Suppressor suppressor_;
  bool report_silent_;
  HitsDigest digest_;
  RepetitionCounter repetitions_;
  Sha256Hasher hasher_;
};

}  // namespace detectd
