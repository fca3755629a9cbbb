// Why a rule holds for an event, or does not: its condition, its selections and their items one by one, and the
// fewest items that would have to be otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/condition.h"
#include "engine/linted_rule.h"
#include "engine/matcher.h"
#include "engine/reach.h"
#include "engine/rule_set.h"

namespace detectd {

// What the event says of an item's field.
enum class Said : uint8_t {
  kValues,
  kNull,
  kNothing,      // the field is absent
  kNotReadable,  // it is named by detectd.missing
  kAnywhere,     // a keyword search looks at no field of its own
};

struct ItemWhy {
  const Item* item = nullptr;  // Sigma's names are translated
  bool holds = false;
  bool to_change = false;  // one of the fewest that would have to be otherwise for the rule to hold
  Said said = Said::kNothing;
  std::vector<std::string> values;  // the first kMaxValues of them, as the event has them
  size_t value_count = 0;
  std::optional<size_t> met;  // the value of the rule's list that the event meets
  // Of `%shells%` with `expand`: the list, and which of its values the event meets.
  const ListDefinition* list = nullptr;
  std::optional<size_t> met_in_list;
  std::optional<size_t> reached;  // of an item that does not hold: the rule's value that came farthest,
  std::optional<Reach> reach;     // how far that was,
  size_t reached_in = 0;          // and in which of `values`
  static constexpr size_t kMaxValues = 8;
};

// All items must hold; those on process.ancestors.* for one ancestor, the one for which most do.
struct AlternativeWhy {
  bool holds = false;
  std::vector<ItemWhy> items;
  std::optional<size_t> ancestor;  // from 0, the parent; where several items ask for one
};

struct SelectionWhy {
  std::string name;
  bool holds = false;
  std::vector<AlternativeWhy> alternatives;
};

// A rule's detection, or that of a filter on it.
struct DetectionWhy {
  const Filter* filter = nullptr;
  bool holds = false;
  Condition condition = Condition::any_of({});
  std::vector<bool> holds_by_node;  // as condition.nodes()
  std::vector<SelectionWhy> selections;
};

struct RuleWhy {
  const Rule* rule = nullptr;
  bool holds = false;                    // what the engine says
  bool kind_fits = false;                // the rule is for events of this kind
  bool product_fits = false;             // and for this host
  std::vector<DetectionWhy> detections;  // the rule's own, then its filters'
  // On the nearest way to a rule that holds: how many items would have to be otherwise, and how many hold that should.
  size_t to_change = 0;
  size_t as_wanted = 0;
};

class Inquiry {
 public:
  // Both must outlive it; `rules` was made of `document`.
  Inquiry(const RuleDocument& document, const RuleSet& rules);

  // `rule` is an index into rules.rules(). What is told points into the inquiry. The event was read with rules.schema(), and the engine gave it back to
  // be judged.
  RuleWhy ask(uint32_t rule, const Event& event);

  // False where no event at all can make the rule hold. True may be wrong.
  bool may_hold(uint32_t rule);

  struct Distance {
    uint32_t rule = 0;
    bool holds = false;
    size_t to_change = 0;
    size_t as_wanted = 0;
  };
  // Of all rules for such events: those that hold, then those of which something is as it should be, the nearest
  // first.
  std::vector<Distance> rank(const Event& event);

 private:
  // The rule's detection, then those of its filters.
  const std::vector<LintedRule>& detections_of(uint32_t rule);
  RuleWhy look_at(uint32_t rule, const Event& event);
  DetectionWhy look_at(const LintedRule& detection, const Event& event);
  AlternativeWhy look_at(const std::vector<LintedItem>& items, const Event& event);
  void describe(const LintedItem& linted, const Event& event, ItemWhy& why);
  bool meets_alone(const LintedItem& linted, const Scalar& value, const Event& event);
  void look_into_list(const LintedItem& linted, const Event& event, ItemWhy& why);
  void find_reach(const LintedItem& linted, ItemWhy& why) const;

  const RuleDocument& document_;
  const RuleSet& rules_;
  Schema schema_;  // as the set's, for items that are compiled once more
  TextCache texts_;
  Matcher matcher_;
  std::map<uint32_t, std::vector<LintedRule>> detections_;
};

}  // namespace detectd
