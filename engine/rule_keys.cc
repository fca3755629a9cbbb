#include "engine/rule_keys.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/literal_index.h"

namespace detectd {

const std::optional<RuleKeys::Keys>& RuleKeys::keys(uint32_t term) {
  if (known_.size() <= term) known_.resize(terms_.size());
  auto& known = known_[term];
  if (known) return *known;
  std::optional<Keys> best;
  for (const auto& item : terms_[term].items) {
    auto any_of = item->keys();
    if (!any_of || !std::all_of(any_of->begin(), any_of->end(), LiteralIndex::indexable)) continue;
    // Every event of a kind has the same action, rare as the word may be in other texts.
    const double frequency = item->field() == field::kAction ? 1 : frequency_of(*any_of);
    if (!best || frequency < best->frequency) best = Keys{*item->field(), std::move(*any_of), frequency};
  }
  known = std::move(best);
  return *known;
}

std::optional<std::vector<uint32_t>> RuleKeys::choose(const Condition& condition,
                                                      const std::vector<Alternatives>& selections) {
  MaybeChoice choice =
      choose_node(condition, static_cast<uint32_t>(condition.nodes().size() - 1), selections);
  if (!choice) return std::nullopt;
  return std::move(choice->terms);
}

RuleKeys::MaybeChoice RuleKeys::choose_node(const Condition& condition, uint32_t node_index,
                                            const std::vector<Alternatives>& selections) {
  const Condition::Node& node = condition.nodes()[node_index];
  MaybeChoice choice;
  switch (node.op) {
    case Condition::Op::kConstant:
      if (!node.constant) choice.emplace();
      break;
    case Condition::Op::kNot: break;
    case Condition::Op::kSelection: return choose_selection(selections[node.selection]);
    case Condition::Op::kAnd:
      for (const uint32_t child : node.children) {
        take_rarer(choice, choose_node(condition, child, selections));
      }
      break;
    case Condition::Op::kOr:
      choice.emplace();
      for (const uint32_t child : node.children) {
        if (!add(*choice, choose_node(condition, child, selections))) return std::nullopt;
      }
      break;
  }
  return choice;
}

RuleKeys::MaybeChoice RuleKeys::choose_selection(const Alternatives& alternatives) {
  Choice all;
  for (const std::vector<uint32_t>& terms : alternatives) {
    MaybeChoice best;
    for (const uint32_t term : terms) {
      if (keys(term)) take_rarer(best, Choice{{term}, keys(term)->frequency});
    }
    if (!add(all, best)) return std::nullopt;
  }
  return all;
}

void RuleKeys::take_rarer(MaybeChoice& best, MaybeChoice other) {
  if (other && (!best || other->frequency < best->frequency)) best = std::move(other);
}

// False where nothing is known of one of them, and so of all.
bool RuleKeys::add(Choice& all, const MaybeChoice& other) {
  if (!other) return false;
  std::vector<uint32_t> both;
  std::set_union(all.terms.begin(), all.terms.end(), other->terms.begin(), other->terms.end(),
                 std::back_inserter(both));
  all.terms = std::move(both);
  all.frequency = frequency_of_terms(all.terms);
  return true;
}

double RuleKeys::frequency_of_terms(const std::vector<uint32_t>& terms) {
  double sum = 0;
  for (const uint32_t term : terms) sum += keys(term)->frequency;
  return sum;
}

}  // namespace detectd
