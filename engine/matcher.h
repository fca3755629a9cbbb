// One event against a rule set. Scratch space for one thread; no allocation in the steady state.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/rule_set.h"
#include "engine/text_cache.h"

namespace detectd {

class UnsureFields;

class Matcher {
 public:
  // `rules` must outlive the matcher.
  explicit Matcher(const RuleSet& rules);

  // Appends the indices of the rules that hold, ascending. An event that is `silent` is shown to
  // none.
  void match(const Event& event, std::vector<uint32_t>& held);

  // Whether one rule of those for the event's kind holds, asked by itself: nothing that others found
  // out about the event is used. For measuring what a rule costs.
  bool match_alone(uint32_t rule, const Event& event);

  // The same, but only where no field decided it that could not be had (unsure_fields.h): however such a field
  // turned out, the rule would hold.
  bool holds_surely(uint32_t rule, const Event& event);

  // Of the event of the last match(): the rules, ascending, one of whose keys it has. They were asked, and those that
  // are always asked.
  const std::vector<uint32_t>& found() const { return found_; }

  // How many terms were evaluated, over all events: what a rule set costs, apart from the machine.
  uint64_t terms_evaluated() const { return terms_evaluated_; }

 private:
  void begin(const Event& event);
  void find_candidates(const KindIndex& index, const Event& event);
  void add_rules_of(uint32_t term, EventKind kind);
  bool holds(uint32_t term, const Event& event);
  bool run(const CompiledRule& rule, const Event& event);
  bool ruled_out(uint32_t term) const;
  bool surely_accepts(uint32_t at, const Event& event, const UnsureFields& unsure, size_t& steps);

  const RuleSet& rules_;
  TextCache texts_;
  std::vector<uint32_t> verdicts_;    // by term: epoch << 1 | holds
  std::vector<uint32_t> term_found_;  // by term: the epoch in which a key of it was
  std::vector<uint32_t> rule_found_;  // by rule: the epoch in which it was a candidate
  std::vector<uint32_t> found_;       // rules of which a key was found
  uint32_t epoch_ = 0;
  bool keys_looked_up_ = false;  // term_found_ is about this event
  uint64_t terms_evaluated_ = 0;
};

}  // namespace detectd
