#include <algorithm>
#include <charconv>
#include <functional>
#include <limits>

#include "engine/escape.h"
#include "engine/linted_rule.h"

namespace detectd {
namespace {

// Conditions over more selections than this are judged without trying every case.
constexpr size_t kMaxTriedSelections = 10;
constexpr size_t kMaxThreadName = 15;
constexpr size_t kSha256Digits = 64;

enum class Truth : uint8_t { kNever, kAlways, kOpen };

Truth opposite(Truth truth) {
  if (truth == Truth::kOpen) return truth;
  return truth == Truth::kNever ? Truth::kAlways : Truth::kNever;
}

struct Finding {
  Truth truth = Truth::kOpen;
  Span span = {};
  std::string why = {};
};

std::string named(const LintedItem& item) { return "`" + escape_text(item.item.field) + "`"; }

bool is_integer(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && std::to_string(number) == text;
}

// Why a field of this type can never have a value that is exactly this; empty: it can.
std::string impossible_for_type(FieldType type, const std::string& text) {
  if (type == FieldType::kInteger && !is_integer(text)) return "is a number";
  if (type == FieldType::kBoolean && text != "true" && text != "false") return "is true or false";
  return {};
}

// The same for a fact of a process.
std::string impossible_for_leaf(Leaf leaf, const std::string& text) {
  switch (leaf) {
    case Leaf::kName:
      return text.find('/') != std::string::npos ? "is the last part of the path, without a slash" : "";
    case Leaf::kExecutable:
      return text.empty() || text.front() != '/' ? "is a whole path, which begins with a slash" : "";
    case Leaf::kThreadName: return text.size() > kMaxThreadName ? "has at most 15 bytes" : "";
    case Leaf::kSha256: return text.size() != kSha256Digits ? "has 64 hexadecimal digits" : "";
    default: return {};
  }
}

// Why no event meets the pattern; empty: one can.
std::string impossible(const LintedItem& item, const Pattern& pattern, const Schema& schema) {
  using Shape = Pattern::Shape;
  const FieldPlace place = place_of(*item.field);
  const std::string& literal = pattern.literal();
  switch (pattern.shape()) {
    case Shape::kEqual: {
      std::string why = impossible_for_type(schema.info(*item.field).type, literal);
      return why.empty() ? impossible_for_leaf(place.leaf, literal) : why;
    }
    case Shape::kPrefix:
      return place.leaf == Leaf::kExecutable ? impossible_for_leaf(place.leaf, literal) : "";
    // A slash can stand nowhere in a name.
    case Shape::kSuffix:
    case Shape::kContains: return place.leaf == Leaf::kName ? impossible_for_leaf(place.leaf, literal) : "";
    case Shape::kAny:
    case Shape::kGeneral: break;
  }
  return {};
}

Finding judge_values(const LintedItem& item, const Schema& schema) {
  if (!item.field || !item.compares_text()) return {};
  Finding found;
  size_t never = 0;
  for (size_t i = 0; i < item.patterns.size(); ++i) {
    std::string why;
    for (const Pattern& pattern : item.patterns[i]) {
      why = impossible(item, pattern, schema);
      if (why.empty()) break;
    }
    if (item.patterns[i].empty() && item.modifiers.expand) why = "is compared with an empty list";
    if (why.empty()) continue;
    ++never;
    found.span = item.item.values[i].span;
    found.why = named(item) + " " + why;
  }
  const bool enough = item.modifiers.all ? never > 0 : never == item.patterns.size();
  if (never == 0 || !enough) return {};
  found.truth = item.modifiers.neq ? Truth::kAlways : Truth::kNever;
  return found;
}

// Which kinds of events are looked at: a field that they do not carry is absent.
Finding judge_item(const LintedItem& item, KindSet kinds, const Schema& schema) {
  if (item.field) {
    const KindSet carriers = schema.info(*item.field).kinds;
    if (kinds.without(carriers) == kinds) {
      return {item.compiled->positive() ? Truth::kNever : Truth::kAlways, item.item.span,
              "they do not carry " + named(item)};
    }
  }
  return judge_values(item, schema);
}

// The literals that an item asks for by equality; empty if it asks in another way.
std::vector<std::string> literals_of(const LintedItem& item) {
  std::vector<std::string> literals;
  if (!item.field || !item.compares_text() || item.modifiers.neq) return literals;
  for (const auto& patterns : item.patterns) {
    // A null in a list may hold for an absent field.
    if (patterns.empty()) return {};
    for (const Pattern& pattern : patterns) {
      if (pattern.shape() != Pattern::Shape::kEqual) return {};
      literals.push_back(pattern.literal());
    }
  }
  return literals;
}

struct Range {
  long double low = -std::numeric_limits<long double>::infinity();
  long double high = std::numeric_limits<long double>::infinity();
  bool low_itself = true, high_itself = true;

  bool empty() const { return low > high || (low == high && !(low_itself && high_itself)); }
};

// Narrows the range of integers that meet a comparison.
void narrow(Range& range, const LintedItem& item) {
  if (item.item.values.size() != 1 || item.modifiers.neq) return;
  const auto* const integer = std::get_if<int64_t>(&item.item.values.front().value);
  if (integer == nullptr || !item.modifiers.comparison) return;
  const auto bound = static_cast<long double>(*integer);
  const Comparison comparison = *item.modifiers.comparison;
  const bool itself = comparison == Comparison::kLessOrEqual || comparison == Comparison::kGreaterOrEqual;
  const bool upper = comparison == Comparison::kLess || comparison == Comparison::kLessOrEqual;
  if (upper && (bound < range.high || (bound == range.high && !itself))) {
    range.high = bound;
    range.high_itself = itself;
  }
  if (!upper && (bound > range.low || (bound == range.low && !itself))) {
    range.low = bound;
    range.low_itself = itself;
  }
}

// Whether what `asked` says of one of `literals_of(item)` it says of every text that the item takes for equal.
bool answers_for_all_cases(const LintedItem& asked, const LintedItem& item) {
  using Subject = Modifiers::Subject;
  if (asked.modifiers.subject == Subject::kField || !asked.modifiers.transforms.empty()) return false;
  const bool cased = asked.modifiers.cased ||
                     (asked.modifiers.subject == Subject::kRegex && !asked.modifiers.regex.ignore_case);
  return !cased || item.modifiers.cased;
}

// Two items on one field that has one value, and cannot both hold.
Finding judge_pairs(const std::vector<LintedItem>& items, Probe& probe) {
  std::vector<std::pair<FieldId, Range>> ranges;
  for (const LintedItem& item : items) {
    if (!item.field || probe.schema().info(*item.field).many) continue;
    const auto same_field = [&](const LintedItem& other) { return other.field == item.field; };
    if (item.modifiers.subject == Modifiers::Subject::kComparison) {
      auto range = std::find_if(ranges.begin(), ranges.end(),
                                [&](const auto& entry) { return entry.first == *item.field; });
      if (range == ranges.end()) range = ranges.insert(ranges.end(), {*item.field, Range{}});
      narrow(range->second, item);
      if (range->second.empty()) {
        return {Truth::kNever, item.item.span, "no number is in both ranges of " + named(item)};
      }
    }
    if (item.compiled->asks_presence() && !item.compiled->positive()) {
      for (const LintedItem& other : items) {
        if (same_field(other) && other.compiled->positive()) {
          return {Truth::kNever, item.item.span, named(item) + " must be absent, and have a value"};
        }
      }
    }
    const std::vector<std::string> literals = literals_of(item);
    if (literals.empty()) continue;
    for (const LintedItem& other : items) {
      if (!same_field(other) || !answers_for_all_cases(other, item)) continue;
      const bool any = std::any_of(literals.begin(), literals.end(), [&](const std::string& literal) {
        return probe.holds(item, literal) && probe.holds(other, literal);
      });
      if (any) continue;
      const std::string why = &other == &item ? " can not be all of these" : " can not be both at once";
      return {Truth::kNever, other.item.span, named(item) + why};
    }
  }
  return {};
}

Finding judge_alternative(const std::vector<LintedItem>& items, KindSet kinds, Probe& probe) {
  size_t always = 0;
  Finding last;
  for (const LintedItem& item : items) {
    Finding found = judge_item(item, kinds, probe.schema());
    if (found.truth == Truth::kNever) return found;
    if (found.truth == Truth::kAlways) {
      ++always;
      last = std::move(found);
    }
  }
  if (always > 0 && always == items.size()) return last;
  return judge_pairs(items, probe);
}

Truth judge_selection(const LintedSelection& selection, KindSet kinds, Probe& probe) {
  size_t never = 0;
  for (const auto& items : selection.alternatives) {
    const Truth truth = judge_alternative(items, kinds, probe).truth;
    if (truth == Truth::kAlways) return truth;
    never += truth == Truth::kNever ? 1 : 0;
  }
  return never == selection.alternatives.size() ? Truth::kNever : Truth::kOpen;
}

// Of a condition whose selections are as `truths` says.
Truth judge_without_cases(const Condition& condition, uint32_t index, const std::vector<Truth>& truths) {
  const Condition::Node& node = condition.nodes()[index];
  const auto child_is = [&](Truth truth) {
    return [&, truth](uint32_t child) { return judge_without_cases(condition, child, truths) == truth; };
  };
  const auto& children = node.children;
  switch (node.op) {
    case Condition::Op::kConstant: return node.constant ? Truth::kAlways : Truth::kNever;
    case Condition::Op::kSelection: return truths[node.selection];
    case Condition::Op::kNot: return opposite(judge_without_cases(condition, children.front(), truths));
    case Condition::Op::kAnd:
      if (std::any_of(children.begin(), children.end(), child_is(Truth::kNever))) return Truth::kNever;
      if (std::all_of(children.begin(), children.end(), child_is(Truth::kAlways))) return Truth::kAlways;
      return Truth::kOpen;
    case Condition::Op::kOr:
      if (std::any_of(children.begin(), children.end(), child_is(Truth::kAlways))) return Truth::kAlways;
      if (std::all_of(children.begin(), children.end(), child_is(Truth::kNever))) return Truth::kNever;
      return Truth::kOpen;
  }
  return Truth::kOpen;
}

Truth judge_condition(const Condition& condition, const std::vector<Truth>& truths) {
  std::vector<size_t> open;
  for (size_t i = 0; i < truths.size(); ++i) {
    if (truths[i] == Truth::kOpen) open.push_back(i);
  }
  if (open.size() > kMaxTriedSelections) {
    return judge_without_cases(condition, static_cast<uint32_t>(condition.nodes().size() - 1), truths);
  }
  bool seen[2] = {false, false};
  for (size_t assignment = 0; assignment < size_t{1} << open.size(); ++assignment) {
    const bool holds = condition.evaluate([&](uint32_t selection) {
      const auto place = std::find(open.begin(), open.end(), selection);
      if (place == open.end()) return truths[selection] == Truth::kAlways;
      return ((assignment >> (place - open.begin())) & 1) != 0;
    });
    seen[holds ? 1 : 0] = true;
  }
  if (seen[0] && seen[1]) return Truth::kOpen;
  return seen[1] ? Truth::kAlways : Truth::kNever;
}

void tell(const Finding& found, const std::string& what, Reporter& reporter) {
  const bool never = found.truth == Truth::kNever;
  reporter.warning(never ? "D134" : "D135", found.span,
                   what + (never ? " can never hold: " : " always holds: ") + found.why);
}

void lint_selections(const LintedRule& rule, Probe& probe, Reporter& reporter) {
  for (const LintedSelection& selection : rule.selections) {
    const bool several = selection.alternatives.size() > 1;
    for (const auto& items : selection.alternatives) {
      const Finding found = judge_alternative(items, rule.kinds, probe);
      if (found.truth == Truth::kOpen) continue;
      tell(found, (several ? "an alternative of the selection `" : "the selection `") + selection.name + "`",
           reporter);
    }
  }
}

// For one of several kinds: the first field of which the rule would need a value.
std::string missing_field(const LintedRule& rule, EventKind kind, const Schema& schema) {
  for (const LintedSelection& selection : rule.selections) {
    for (const auto& items : selection.alternatives) {
      for (const LintedItem& item : items) {
        if (item.field && !schema.info(*item.field).kinds.has(kind)) return named(item);
      }
    }
  }
  return {};
}

Truth judge_rule(const LintedRule& rule, KindSet kinds, Probe& probe) {
  std::vector<Truth> truths;
  for (const LintedSelection& selection : rule.selections) {
    truths.push_back(judge_selection(selection, kinds, probe));
  }
  return judge_condition(rule.condition, truths);
}

void lint_kinds(const LintedRule& rule, Probe& probe, Reporter& reporter) {
  const auto on = rule.rule->keys.find("on");
  if (on == rule.rule->keys.end()) return;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (!rule.kinds.has(kind) || rule.kinds == KindSet{kind}) continue;
    const std::string field = missing_field(rule, kind, probe.schema());
    if (field.empty()) continue;
    if (judge_rule(rule, KindSet{kind}, probe) != Truth::kNever) continue;
    reporter.warning(
        "D130", on->second,
        "the rule can never hold for " + std::string(to_string(kind)) + " events: they do not carry " + field,
        "leave the kind out, or give it a rule of its own");
  }
}

}  // namespace

void lint_logic(const LintedRule& rule, Probe& probe, Reporter& reporter) {
  lint_selections(rule, probe, reporter);
  lint_kinds(rule, probe, reporter);
  // Whatever the selections are.
  const Truth truth =
      judge_condition(rule.condition, std::vector<Truth>(rule.selections.size(), Truth::kOpen));
  if (truth == Truth::kOpen) return;
  tell({truth, rule.rule->detection.conditions.front().span, "whatever the selections say"}, "the condition",
       reporter);
}

bool may_hold(const LintedRule& rule, Probe& probe) {
  return judge_rule(rule, rule.kinds, probe) != Truth::kNever;
}

}  // namespace detectd
