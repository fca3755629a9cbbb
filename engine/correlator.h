// Correlations: hits of rules, counted or put in order over windows of event time, are hits of their own.
// Fed in event order, so results depend on neither chunks nor threads.
//
// Every group of a correlation (the values of its `group-by`) has a Window. Groups are bounded by number and
// by bytes; those that were touched longest ago are dropped first, from the correlation that holds most,
// so that one flooded with random values does not empty the others. What is dropped is counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/correlation_window.h"
#include "engine/digest.h"
#include "engine/hit.h"
#include "engine/rule_set.h"
#include "engine/term_history.h"

namespace detectd {

class Correlator {
 public:
  struct Options {
    size_t memory_bytes = 64 << 20;  // an estimate of all windows together
    size_t max_groups = 100'000;     // of one correlation
  };
  struct Counters {
    uint64_t groups = 0;          // now
    uint64_t bytes = 0;           // now
    uint64_t peak_bytes = 0;      // at the end of an event
    uint64_t evicted_groups = 0;  // dropped with what they remembered, for a bound
    uint64_t evicted_events = 0;  // pushed out of a window that was full
  };

  Correlator(std::shared_ptr<const RuleSet> rules, Options options);

  // Keeps the state of each correlation whose digest is the same in `rules`.
  void reload(std::shared_ptr<const RuleSet> rules);

  // What the active correlations of the type new_terms have seen, where that is anything.
  std::vector<TermHistory> history() const;
  // As if this run had seen it, before what it has seen by itself. What belongs to no active correlation is passed over.
  void learn(std::span<const TermHistory> histories);

  // Event::order_ns() of an event that is shown to rules: new_terms learns from the first one on.
  void observe(int64_t order_ns) {
    if (!started_) start(order_ns);
  }
  // `hits` are those of rules for one event whose key is `event_key`, `held` their indices in
  // RuleSet::rules(). Appends the hits of correlations that hold with it, silent ones included, and to
  // `correlations` their indices in RuleSet::correlations().
  void conclude(std::span<const uint32_t> held, const Sha256& event_key, std::vector<Hit>& hits,
                std::vector<uint32_t>& correlations);

  // What is remembered of the group that a hit is of as the correlation's input of that number.
  struct Look {
    std::vector<GroupValue> group;
    std::string key;
    bool known = false;                      // anything at all
    std::optional<long double> measure;      // as Window::measure(); nothing without a window
    std::optional<int64_t> learns_until_ns;  // new_terms: Event::order_ns() from which on it has hits
  };
  // Nothing where the hit lacks a field of `group-by`.
  std::optional<Look> look(uint32_t index, uint32_t input, const Hit& hit);

  Counters counters() const;

 private:
  struct Group {
    std::string key;
    std::unique_ptr<Window> window;  // null for new_terms
    size_t bytes = 0;
  };
  using Groups = std::list<Group>;  // the one touched last is the first
  struct State {
    Sha256 digest{};
    Groups groups;
    std::map<std::string_view, Groups::iterator> by_key;  // not hashed: keys are an attacker's
    size_t bytes = 0;
    std::optional<int64_t> start_ns;
    std::shared_ptr<const Rule> rule;  // what the windows point into
  };
  // A hit that has yet to be shown to a correlation.
  struct Arrival {
    uint32_t input = 0;
    size_t hit = 0;  // index into the event's hits
  };
  struct Touched {
    Groups::iterator group;
    Arrival first;
    std::vector<uint32_t> inputs;
  };

  void start(int64_t order_ns);
  void correlate(uint32_t index, std::vector<Arrival>& arrivals, std::vector<Hit>& hits);
  void add(uint32_t index, const Arrival& arrival, const std::vector<Hit>& hits,
           std::vector<Touched>& touched);
  bool append_values(const std::vector<GroupSource>& sources, const Hit& hit, std::string& key);
  Groups::iterator find_or_add_group(State& state, std::string_view key);
  std::string_view term_of_key();
  void conclude_new_term(uint32_t index, const Arrival& arrival, const std::vector<Hit>& hits,
                         std::vector<Hit>& found);
  Hit make_hit(uint32_t index, const std::string& key, const Arrival& arrival, const std::vector<Hit>& hits);
  void account(State& state, Group& group);
  void expire(State& state, int64_t now_ns);
  void drop_oldest(State& state);
  void shrink();

  std::shared_ptr<const RuleSet> rules_;
  Options options_;
  std::vector<State> states_;  // as RuleSet::correlations()
  bool started_ = false;
  size_t bytes_ = 0;
  Counters counters_;
  Sha256Hasher hasher_;
  const Sha256* event_key_ = nullptr;
  std::string key_;
  Sha256 term_{};
};

// What a hit is to be grouped by, as in GroupSource. False where it has no such value.
bool append_source(const GroupSource& source, const Hit& hit, Sha256Hasher& hasher, std::string& key);

}  // namespace detectd
