#include "engine/matcher.h"

#include <algorithm>
#include <utility>

#include "engine/text_fold.h"
#include "engine/unsure_fields.h"

namespace detectd {
namespace {

// Of one rule on one event, both ways counted.
constexpr size_t kMaxUnsureSteps = 4096;

bool holds_for_one_ancestor(const Term& term, const Event& event, TextCache& texts) {
  size_t ancestors = 1;  // without any, the items see an absent field
  for (const auto& item : term.items) ancestors = std::max(ancestors, event.count(*item->field()));
  for (size_t i = 0; i < ancestors; ++i) {
    if (std::all_of(term.items.begin(), term.items.end(),
                    [&](const auto& item) { return item->holds_at(event, i, texts); })) {
      return true;
    }
  }
  return false;
}

// A host that does not say what it is fits every product.
bool product_fits(const CompiledRule& rule, const Event& event, TextCache& texts) {
  if (rule.product.empty()) return true;
  const FieldView os = event.find(field::kHostOsType);
  return !os.has_value() || texts.folded(field::kHostOsType, 0, os.text) == rule.product;
}

}  // namespace

Matcher::Matcher(const RuleSet& rules)
    : rules_(rules),
      texts_(rules.schema()),
      verdicts_(rules.terms().size(), 0),
      term_found_(rules.terms().size(), 0),
      rule_found_(rules.rules().size(), 0) {}

bool Matcher::holds(uint32_t term, const Event& event) {
  uint32_t& verdict = verdicts_[term];
  if (verdict >> 1 != epoch_) {
    if (ruled_out(term)) return false;
    const Term& asked = rules_.terms()[term];
    const bool holds = asked.one_ancestor ? holds_for_one_ancestor(asked, event, texts_)
                                          : asked.items.front()->holds(event, texts_);
    verdict = epoch_ << 1 | (holds ? 1u : 0u);
    ++terms_evaluated_;
  }
  return (verdict & 1u) != 0;
}

// Whether no key of the term is there, one of which it needs.
bool Matcher::ruled_out(uint32_t term) const {
  return keys_looked_up_ && rules_.is_indexed(term) && term_found_[term] != epoch_;
}

bool Matcher::run(const CompiledRule& rule, const Event& event) {
  uint32_t at = rule.entry;
  while (at < kReject) {
    const Instruction& instruction = rules_.program()[at];
    at = holds(instruction.term, event) ? instruction.if_holds : instruction.otherwise;
  }
  return at == kAccept && product_fits(rule, event, texts_);
}

// Forgets what was found out about the event before.
void Matcher::begin(const Event& event) {
  if (++epoch_ == 1u << 31) {  // the verdicts have 31 bits for it
    for (auto* const marks : {&verdicts_, &term_found_, &rule_found_}) {
      std::fill(marks->begin(), marks->end(), 0);
    }
    epoch_ = 1;
  }
  keys_looked_up_ = false;
  texts_.begin(event);
}

void Matcher::match(const Event& event, std::vector<uint32_t>& held) {
  if (event.silent) return;
  const KindIndex& index = rules_.for_kind(event.kind);
  if (index.rules.empty()) return;
  begin(event);
  find_candidates(index, event);
  auto found = found_.begin();
  const auto ask = [&](uint32_t rule) {
    if (run(rules_.rules()[rule], event)) held.push_back(rule);
  };
  for (const uint32_t rule : index.unkeyed) {
    for (; found != found_.end() && *found < rule; ++found) ask(*found);
    ask(rule);
  }
  for (; found != found_.end(); ++found) ask(*found);
}

// Leaves in found_ the rules, ascending, one of whose keys the event has.
void Matcher::find_candidates(const KindIndex& index, const Event& event) {
  found_.clear();
  for (const uint32_t number : index.fields) {
    const FieldIndex& keys = rules_.field_indices()[number];
    const TextCache::Value& value = texts_.value(keys.field);
    for (size_t i = 0; i < value.count; ++i) {
      const FieldView view = i == 0 ? value.first : event.find(keys.field, i);
      if (!view.has_value()) continue;
      keys.terms.find(texts_.folded(keys.field, i, view.text),
                      [&](uint32_t term) { add_rules_of(term, event.kind); });
    }
  }
  std::sort(found_.begin(), found_.end());
  keys_looked_up_ = true;
}

void Matcher::add_rules_of(uint32_t term, EventKind kind) {
  if (std::exchange(term_found_[term], epoch_) == epoch_) return;
  for (const uint32_t rule : rules_.rules_of(term)) {
    if (std::exchange(rule_found_[rule], epoch_) == epoch_) continue;
    if (rules_.rules()[rule].kinds.has(kind)) found_.push_back(rule);
  }
}

bool Matcher::match_alone(uint32_t rule, const Event& event) {
  begin(event);
  return run(rules_.rules()[rule], event);
}

bool Matcher::holds_surely(uint32_t rule, const Event& event) {
  begin(event);
  const CompiledRule& compiled = rules_.rules()[rule];
  const UnsureFields unsure(event);
  size_t steps = kMaxUnsureSteps;
  return product_fits(compiled, event, texts_) && surely_accepts(compiled.entry, event, unsure, steps);
}

// Where a term is not sure, both ways must end well. What takes too many steps to find out is not sure either.
bool Matcher::surely_accepts(uint32_t at, const Event& event, const UnsureFields& unsure, size_t& steps) {
  while (at < kReject) {
    if (steps-- == 0) {
      steps = 0;
      return false;
    }
    const Instruction& instruction = rules_.program()[at];
    const Term& term = rules_.terms()[instruction.term];
    const bool sure = std::none_of(term.items.begin(), term.items.end(),
                                   [&](const auto& item) { return unsure.has(item->field()); });
    // A search in all texts that found something found it, whatever else there would be.
    const bool found = holds(instruction.term, event);
    if (!sure && !(found && !term.items.front()->field() && term.items.front()->positive())) {
      if (!surely_accepts(instruction.if_holds, event, unsure, steps)) return false;
      at = instruction.otherwise;
    } else {
      at = found ? instruction.if_holds : instruction.otherwise;
    }
  }
  return at == kAccept;
}

}  // namespace detectd
