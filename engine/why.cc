#include "engine/why.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/process.h"
#include "engine/text_fold.h"
#include "engine/timestamp.h"
#include "engine/value_strings.h"

namespace detectd {
namespace {

bool asks_ancestors(const LintedItem& item) {
  return item.field && place_of(*item.field).subject == Subject::kAncestors;
}

// What it takes for something to be as it is wanted.
struct Cost {
  size_t to_change = 0;
  size_t as_wanted = 0;

  Cost& operator+=(const Cost& other) {
    to_change += other.to_change;
    as_wanted += other.as_wanted;
    return *this;
  }
  bool operator<(const Cost& other) const {
    return to_change != other.to_change ? to_change < other.to_change : as_wanted > other.as_wanted;
  }
};

// The nearest way to a detection that holds, or to one that does not: found, and marked in its items.
class NearestWay {
 public:
  explicit NearestWay(DetectionWhy& detection) : detection_(detection) {}

  Cost cost() const { return of_node(root(), true); }
  void mark() { mark_node(root(), true); }

 private:
  using Op = Condition::Op;
  uint32_t root() const { return static_cast<uint32_t>(detection_.condition.nodes().size() - 1); }
  const Condition::Node& node(uint32_t index) const { return detection_.condition.nodes()[index]; }
  // Whether all children have to be as wanted, or one is enough.
  static bool needs_all(Op op, bool wanted) { return (op == Op::kAnd) == wanted; }

  Cost of_node(uint32_t index, bool wanted) const {
    const Condition::Node& asked = node(index);
    switch (asked.op) {
      // What no event changes is as far away as can be.
      case Op::kConstant: return asked.constant == wanted ? Cost{} : Cost{kNever, 0};
      case Op::kSelection: return of_selection(detection_.selections[asked.selection], wanted);
      case Op::kNot: return of_node(asked.children.front(), !wanted);
      case Op::kAnd:
      case Op::kOr: break;
    }
    if (!needs_all(asked.op, wanted)) return of_node(nearest(asked, wanted), wanted);
    Cost sum;
    for (const uint32_t child : asked.children) sum += of_node(child, wanted);
    return sum;
  }

  uint32_t nearest(const Condition::Node& asked, bool wanted) const {
    return *std::min_element(asked.children.begin(), asked.children.end(),
                             [&](uint32_t a, uint32_t b) { return of_node(a, wanted) < of_node(b, wanted); });
  }

  template <class Selection>
  static auto nearest(Selection& selection) {
    return std::min_element(selection.alternatives.begin(), selection.alternatives.end(),
                            [](const AlternativeWhy& a, const AlternativeWhy& b) {
                              return of_alternative(a, true) < of_alternative(b, true);
                            });
  }

  static Cost of_selection(const SelectionWhy& selection, bool wanted) {
    if (wanted) return of_alternative(*nearest(selection), true);
    Cost sum;
    for (const AlternativeWhy& alternative : selection.alternatives)
      sum += of_alternative(alternative, false);
    return sum;
  }

  static Cost of_alternative(const AlternativeWhy& alternative, bool wanted) {
    // What is rightly absent brings no event nearer.
    if (!wanted) return alternative.holds ? Cost{1, 0} : Cost{};
    Cost sum;
    for (const ItemWhy& item : alternative.items) sum += item.holds ? Cost{0, 1} : Cost{1, 0};
    return sum;
  }

  void mark_node(uint32_t index, bool wanted) {
    const Condition::Node& asked = node(index);
    switch (asked.op) {
      case Op::kConstant: return;
      case Op::kSelection: return mark_selection(detection_.selections[asked.selection], wanted);
      case Op::kNot: return mark_node(asked.children.front(), !wanted);
      case Op::kAnd:
      case Op::kOr: break;
    }
    if (!needs_all(asked.op, wanted)) return mark_node(nearest(asked, wanted), wanted);
    for (const uint32_t child : asked.children) mark_node(child, wanted);
  }

  static void mark_selection(SelectionWhy& selection, bool wanted) {
    if (wanted) {
      for (ItemWhy& item : nearest(selection)->items) item.to_change |= !item.holds;
      return;
    }
    for (AlternativeWhy& alternative : selection.alternatives) {
      if (alternative.holds && !alternative.items.empty()) alternative.items.front().to_change = true;
    }
  }

  static constexpr size_t kNever = 1'000'000;
  DetectionWhy& detection_;
};

bool product_fits(const CompiledRule& rule, const Event& event) {
  const FieldView os = event.find(field::kHostOsType);
  return rule.product.empty() || !os.has_value() || folded(os.text) == rule.product;
}

Said what_is_said(const LintedItem& linted, const Event& event, size_t with_value) {
  if (!linted.field) return Said::kAnywhere;
  if (with_value > 0) return Said::kValues;
  if (event.withheld(*linted.field)) return Said::kNotReadable;
  return event.find(*linted.field).absent() ? Said::kNothing : Said::kNull;
}

}  // namespace

Inquiry::Inquiry(const RuleDocument& document, const RuleSet& rules)
    : document_(document), rules_(rules), texts_(rules.schema()), matcher_(rules) {
  // Named in the same order they have the same ids.
  for (size_t i = kFieldCount + 1; i < rules.schema().size(); ++i) {
    const FieldInfo& info = rules.schema().info(FieldId(static_cast<uint16_t>(i)));
    schema_.add(info.name, info.type, info.many);
  }
}

const std::vector<LintedRule>& Inquiry::detections_of(uint32_t rule) {
  const auto [entry, fresh] = detections_.try_emplace(rule);
  if (!fresh) return entry->second;
  const CompiledRule& compiled = rules_.rules()[rule];
  entry->second.push_back(read_rule_to_lint(compiled.rule, compiled.kinds, document_, schema_));
  for (const auto& filter : compiled.rule->filters) {
    // What a name means in a filter depends on the rule that it is put on, too.
    Rule filtering = as_rule(*filter);
    filtering.sigma_taxonomy |= compiled.rule->sigma_taxonomy;
    filtering.logsource = compiled.rule->logsource;
    entry->second.push_back(read_rule_to_lint(std::make_shared<const Rule>(std::move(filtering)),
                                              compiled.kinds, document_, schema_));
  }
  return entry->second;
}

RuleWhy Inquiry::ask(uint32_t rule, const Event& event) {
  RuleWhy why = look_at(rule, event);
  const std::vector<LintedRule>& detections = detections_of(rule);
  for (size_t d = 0; d < detections.size(); ++d) {
    if (!why.holds) NearestWay(why.detections[d]).mark();
    for (size_t s = 0; s < detections[d].selections.size(); ++s) {
      const auto& alternatives = detections[d].selections[s].alternatives;
      for (size_t a = 0; a < alternatives.size(); ++a) {
        auto& items = why.detections[d].selections[s].alternatives[a].items;
        for (size_t i = 0; i < items.size(); ++i) describe(alternatives[a][i], event, items[i]);
      }
    }
  }
  return why;
}

bool Inquiry::may_hold(uint32_t rule) {
  const std::vector<LintedRule>& detections = detections_of(rule);
  Probe probe(schema_);
  return std::all_of(detections.begin(), detections.end(),
                     [&](const LintedRule& detection) { return detectd::may_hold(detection, probe); });
}

std::vector<Inquiry::Distance> Inquiry::rank(const Event& event) {
  std::vector<Distance> ranking;
  for (const uint32_t rule : rules_.for_kind(event.kind).rules) {
    const RuleWhy why = look_at(rule, event);
    if (!why.product_fits || (!why.holds && why.as_wanted == 0)) continue;
    ranking.push_back({rule, why.holds, why.to_change, why.as_wanted});
  }
  // Three of four is nearer than one of two.
  const auto nearness = [](const Distance& distance) {
    if (distance.holds) return 2.0;
    const auto all = static_cast<double>(distance.as_wanted + distance.to_change);
    return static_cast<double>(distance.as_wanted) / all;
  };
  std::stable_sort(ranking.begin(), ranking.end(), [&](const Distance& a, const Distance& b) {
    if (nearness(a) != nearness(b)) return nearness(a) > nearness(b);
    return a.as_wanted > b.as_wanted;
  });
  return ranking;
}

// Which items hold, and what follows from it; describe() adds why.
RuleWhy Inquiry::look_at(uint32_t rule, const Event& event) {
  const CompiledRule& compiled = rules_.rules()[rule];
  RuleWhy why;
  why.rule = compiled.rule.get();
  why.kind_fits = compiled.kinds.has(event.kind);
  why.product_fits = product_fits(compiled, event);
  why.holds = why.kind_fits && !event.silent && matcher_.match_alone(rule, event);
  texts_.begin(event);
  for (const LintedRule& detection : detections_of(rule)) {
    why.detections.push_back(look_at(detection, event));
    const Cost cost = NearestWay(why.detections.back()).cost();
    why.to_change += cost.to_change;
    why.as_wanted += cost.as_wanted;
    const size_t filter = why.detections.size() - 1;
    if (filter > 0) why.detections.back().filter = compiled.rule->filters[filter - 1].get();
  }
  return why;
}

DetectionWhy Inquiry::look_at(const LintedRule& detection, const Event& event) {
  DetectionWhy why;
  why.condition = detection.condition;
  for (const LintedSelection& linted : detection.selections) {
    SelectionWhy& selection = why.selections.emplace_back();
    selection.name = linted.name;
    for (const auto& items : linted.alternatives) {
      selection.alternatives.push_back(look_at(items, event));
      selection.holds |= selection.alternatives.back().holds;
    }
  }
  // Children stand before their parents.
  for (const Condition::Node& node : why.condition.nodes()) {
    const auto child_holds = [&](uint32_t child) { return why.holds_by_node[child]; };
    bool holds = node.constant;
    switch (node.op) {
      case Condition::Op::kConstant: break;
      case Condition::Op::kSelection: holds = why.selections[node.selection].holds; break;
      case Condition::Op::kNot: holds = !child_holds(node.children.front()); break;
      case Condition::Op::kAnd:
        holds = std::all_of(node.children.begin(), node.children.end(), child_holds);
        break;
      case Condition::Op::kOr:
        holds = std::any_of(node.children.begin(), node.children.end(), child_holds);
        break;
    }
    why.holds_by_node.push_back(holds);
  }
  why.holds = why.holds_by_node.back();
  return why;
}

AlternativeWhy Inquiry::look_at(const std::vector<LintedItem>& items, const Event& event) {
  AlternativeWhy why;
  size_t ancestors = 1;  // without any, the items see an absent field
  std::vector<const LintedItem*> joint;
  for (const LintedItem& item : items) {
    if (!asks_ancestors(item)) continue;
    joint.push_back(&item);
    ancestors = std::max(ancestors, event.count(*item.field));
  }
  if (joint.size() > 1) {
    size_t most = 0;
    for (size_t i = 0; i < ancestors; ++i) {
      const auto held =
          static_cast<size_t>(std::count_if(joint.begin(), joint.end(), [&](const LintedItem* item) {
            return item->compiled->holds_at(event, i, texts_);
          }));
      if (why.ancestor && held <= most) continue;
      most = held;
      why.ancestor = i;
    }
  }
  why.holds = true;
  for (const LintedItem& linted : items) {
    ItemWhy& item = why.items.emplace_back();
    item.item = &linted.item;
    item.holds = why.ancestor && asks_ancestors(linted)
                     ? linted.compiled->holds_at(event, *why.ancestor, texts_)
                     : linted.compiled->holds(event, texts_);
    why.holds &= item.holds;
  }
  return why;
}

void Inquiry::describe(const LintedItem& linted, const Event& event, ItemWhy& why) {
  if (linted.field) {
    const size_t count = event.count(*linted.field);
    for (size_t i = 0; i < count; ++i) {
      const FieldView view = event.find(*linted.field, i);
      if (!view.has_value()) continue;
      if (++why.value_count <= ItemWhy::kMaxValues) why.values.emplace_back(view.text);
    }
    // Of a line without it, a time that a capture gave in another way.
    if (count == 0 && *linted.field == field::kTimestamp && event.has_time) {
      why.values.push_back(format_rfc3339(event.time_ns));
      why.value_count = 1;
    }
  }
  why.said = what_is_said(linted, event, why.value_count);
  look_into_list(linted, event, why);
  const bool pattern_is_there = why.holds != linted.modifiers.neq;
  if (!pattern_is_there) return find_reach(linted, why);
  if (linted.item.values.size() < 2 || linted.modifiers.all) return;
  for (size_t i = 0; i < linted.item.values.size() && !why.met; ++i) {
    if (meets_alone(linted, linted.item.values[i], event)) why.met = i;
  }
}

// Whether the item's pattern would be there if this were its only value.
bool Inquiry::meets_alone(const LintedItem& linted, const Scalar& value, const Event& event) {
  Diagnostics told_already;
  ItemContext context{schema_, document_.lists, nullptr, told_already,
                      [](std::string_view, const Span&) { return std::nullopt; }};
  Item single = linted.item;
  single.values = {value};
  const auto compiled = CompiledItem::compile(single, linted.field, context);
  return compiled != nullptr && compiled->holds(event, texts_) != linted.modifiers.neq;
}

// A value that is nothing but the name of a list.
void Inquiry::look_into_list(const LintedItem& linted, const Event& event, ItemWhy& why) {
  const auto& modifiers = linted.item.modifiers;
  const std::string* const text = linted.item.values.size() == 1 ? linted.item.values[0].text() : nullptr;
  if (text == nullptr || text->size() < 3 || !text->starts_with('%') || !text->ends_with('%') ||
      std::find(modifiers.begin(), modifiers.end(), "expand") == modifiers.end())
    return;
  const auto list = document_.lists.find(text->substr(1, text->size() - 2));
  if (list == document_.lists.end()) return;
  why.list = &list->second;
  if (why.holds == linted.modifiers.neq || linted.modifiers.all) return;
  // A value of the list stands for itself.
  LintedItem plain = linted;
  std::erase(plain.item.modifiers, "expand");
  for (size_t i = 0; i < why.list->values.size() && !why.met_in_list; ++i) {
    if (meets_alone(plain, why.list->values[i], event)) why.met_in_list = i;
  }
}

// Of the patterns that are not there the one that came farthest.
void Inquiry::find_reach(const LintedItem& linted, ItemWhy& why) const {
  const bool is_regex = linted.modifiers.subject == Modifiers::Subject::kRegex;
  if (!is_regex && !linted.compares_text()) return;
  const auto take = [&](size_t value, size_t element, std::optional<Reach> reach) {
    if (!reach || (why.reach && reach->found.size() <= why.reach->found.size())) return;
    why.reach = std::move(reach);
    why.reached = value;
    why.reached_in = element;
  };
  for (size_t i = 0; i < linted.item.values.size(); ++i) {
    const std::string* const text = linted.item.values[i].text();
    if (text == nullptr) continue;
    std::vector<SigmaString> strings;
    if (!is_regex) {
      ValueMistake mistake;
      strings = strings_of_value(*text, true, linted.modifiers, document_.lists, mistake)
                    .value_or(std::vector<SigmaString>());
    }
    for (size_t element = 0; element < why.values.size(); ++element) {
      const std::string& value = why.values[element];
      if (is_regex) take(i, element, reach_of(*text, linted.modifiers.regex, value));
      for (const SigmaString& string : strings) {
        // Of `all`, those that are there do not matter.
        Pattern pattern(string, linted.modifiers.cased);
        if (pattern.matches(linted.modifiers.cased ? value : folded(value))) continue;
        take(i, element, reach_of(string, linted.modifiers.cased, value));
      }
    }
  }
}

}  // namespace detectd
