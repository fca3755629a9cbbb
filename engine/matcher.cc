#include "engine/matcher.h"

#include <algorithm>

#include "engine/text_fold.h"

namespace detectd {
namespace {

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
    : rules_(rules), texts_(rules.schema()), verdicts_(rules.terms().size(), 0) {}

bool Matcher::holds(uint32_t term, const Event& event) {
  uint32_t& verdict = verdicts_[term];
  if (verdict >> 1 != epoch_) {
    const Term& asked = rules_.terms()[term];
    const bool holds = asked.one_ancestor ? holds_for_one_ancestor(asked, event, texts_)
                                          : asked.items.front()->holds(event, texts_);
    verdict = epoch_ << 1 | (holds ? 1u : 0u);
    ++terms_evaluated_;
  }
  return (verdict & 1u) != 0;
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
    std::fill(verdicts_.begin(), verdicts_.end(), 0);
    epoch_ = 1;
  }
  texts_.begin(event);
}

void Matcher::match(const Event& event, std::vector<uint32_t>& held) {
  if (event.silent) return;
  const auto candidates = rules_.rules_for(event.kind);
  if (candidates.empty()) return;
  begin(event);
  for (const uint32_t index : candidates) {
    if (run(rules_.rules()[index], event)) held.push_back(index);
  }
}

bool Matcher::match_alone(uint32_t rule, const Event& event) {
  begin(event);
  return run(rules_.rules()[rule], event);
}

}  // namespace detectd
