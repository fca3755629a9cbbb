// Which keys one of must be in an event for a rule to hold: found in the rule's condition, the rarest taken where
// there is a choice. `a and b` needs a key of a, or of b; `a or b` one of a and one of b; of `not a` nothing can be
// said, nor of an item that may hold for an absent field.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/condition.h"
#include "engine/fields.h"
#include "engine/term.h"
#include "engine/text_key.h"

namespace detectd {

class RuleKeys {
 public:
  // `terms` may grow, and must outlive this.
  explicit RuleKeys(const std::vector<Term>& terms) : terms_(terms) {}

  // The terms of which one must hold for the rule to hold, each of which has keys(). None at all: the rule never
  // holds. Nothing: no such terms are known, and the rule must be asked for every event.
  std::optional<std::vector<uint32_t>> choose(const Condition& condition,
                                              const std::vector<Alternatives>& selections);

  // Of a term: one of these must be in a value of the field for the term to hold.
  struct Keys {
    FieldId field{};
    std::vector<TextKey> any_of;
    double frequency = 0;
  };
  const std::optional<Keys>& keys(uint32_t term);

 private:
  struct Choice {
    std::vector<uint32_t> terms;  // ascending
    double frequency = 0;
  };
  using MaybeChoice = std::optional<Choice>;

  MaybeChoice choose_node(const Condition& condition, uint32_t node,
                          const std::vector<Alternatives>& selections);
  MaybeChoice choose_selection(const Alternatives& alternatives);
  static void take_rarer(MaybeChoice& best, MaybeChoice other);
  bool add(Choice& all, const MaybeChoice& other);
  double frequency_of_terms(const std::vector<uint32_t>& terms);

  const std::vector<Term>& terms_;
  std::vector<std::optional<std::optional<Keys>>> known_;  // by term
};

}  // namespace detectd
