#include "engine/detection_parser.h"

#include <algorithm>
#include <set>
#include <utility>

#include "engine/condition.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr size_t kMaxSelections = 1000;
constexpr size_t kMaxConditions = 100;

// `process.name|endswith`, from the nested tables that unquoted dots make. The innermost of the first way.
std::string joined_path(const TomlMember& member) {
  const TomlMember* at = &member;
  std::string path = at->key;
  while (at->value.is(Kind::kTable) && !at->value.members.empty()) {
    at = &at->value.members.front();
    path += "." + at->key;
  }
  return path;
}

Span joined_span(const TomlMember& member) {
  const TomlMember* at = &member;
  while (at->value.is(Kind::kTable) && !at->value.members.empty()) at = &at->value.members.front();
  Span span = member.span;
  if (at->span.line == span.line && at->span.column > span.column)
    span.length = at->span.column + at->span.length - span.column;
  return span;
}

class DetectionParser {
 public:
  explicit DetectionParser(Reporter& reporter) : reporter_(reporter) {}

  std::optional<Detection> parse(const TomlMember& member) {
    const size_t errors_before = reporter_.errors();
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return std::nullopt;
    detection_.span = member.span;
    if (const TomlMember* condition = table->find("condition")) {
      condition_text_ = condition->value.text;
      for (const TomlValue& element : condition->value.elements) condition_text_ += ' ' + element.text;
    }
    for (const TomlMember& child : table->members) parse_member(child);
    std::sort(detection_.selections.begin(), detection_.selections.end(),
              [](const Selection& a, const Selection& b) { return a.name < b.name; });
    check_shape();
    if (reporter_.errors() == errors_before) check_conditions();
    if (reporter_.errors() != errors_before) return std::nullopt;
    return std::move(detection_);
  }

 private:
  void parse_member(const TomlMember& member) {
    if (member.key == "condition") return parse_condition(member);
    if (member.key == "timeframe") {
      reporter_.error("D020", member.span, "a detection has no `timeframe`",
                      "to count or order events use a [[correlation]] with a `timespan`");
      return;
    }
    const Names keys = rule_keys();
    const bool misplaced = !member.value.is(Kind::kTable) && !condition_names(member.key) &&
                           std::find(keys.begin(), keys.end(), member.key) != keys.end();
    if (misplaced) {
      reporter_.error("D020", member.span, "`" + member.key + "` is no selection",
                      "keys below [rule.detection] belong to it: move `" + member.key + "` above");
      return;
    }
    if (!Condition::is_identifier(member.key)) {
      reporter_.error("D024", member.span, "a selection can not be called `" + member.key + "`",
                      "names are made of letters, digits, `_`, `.` and `-`; `and`, `or`, `not`, `of` are "
                      "words of conditions");
      return;
    }
    parse_selection(member);
  }

  // Whether the word stands in a condition, which the rest of this table tells only later.
  bool condition_names(std::string_view word) const {
    const std::string_view text = condition_text_;
    const auto bounds = [](char c) { return c == ' ' || c == '(' || c == ')' || c == '\t' || c == '\n'; };
    for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      const size_t end = at + word.size();
      if ((at == 0 || bounds(text[at - 1])) && (end == text.size() || bounds(text[end]))) return true;
    }
    return false;
  }

  void parse_condition(const TomlMember& member) {
    const bool list = member.value.is(Kind::kArray);
    if (list && member.value.elements.empty())
      reporter_.error("D026", member.value.span, "`condition` is an empty list");
    const auto texts = read_texts(reporter_, member);
    if (!texts) return;
    for (size_t i = 0; i < texts->size(); ++i) {
      Scalar scalar;
      scalar.value = (*texts)[i];
      scalar.span = list ? member.value.elements[i].span : member.value.span;
      detection_.conditions.push_back(std::move(scalar));
    }
    has_condition_ = true;
  }

  void parse_selection(const TomlMember& member) {
    Selection selection;
    selection.name = member.key;
    selection.span = member.span;
    if (member.value.is(Kind::kTable)) {
      selection.alternatives.push_back(parse_items(member.value, member));
    } else if (member.value.is(Kind::kArray)) {
      parse_alternatives(member, selection);
    } else {
      auto keyword = read_scalar(reporter_, member.value, "a keyword");
      if (keyword)
        selection.alternatives.push_back({keyword_item({*std::move(keyword)}, member.value, false)});
    }
    detection_.selections.push_back(std::move(selection));
  }

  // Tables are alternatives; texts between them are one more, a search for any of these keywords.
  void parse_alternatives(const TomlMember& member, Selection& selection) {
    if (member.value.elements.empty()) return empty("selection `" + member.key + "` is empty", member.span);
    std::vector<Scalar> keywords;
    for (const TomlValue& element : member.value.elements) {
      if (element.is(Kind::kTable)) {
        selection.alternatives.push_back(parse_items(element, member));
      } else if (auto keyword = read_scalar(reporter_, element, "a keyword")) {
        keywords.push_back(*std::move(keyword));
      }
    }
    if (!keywords.empty())
      selection.alternatives.push_back({keyword_item(std::move(keywords), member.value, true)});
  }

  static Item keyword_item(std::vector<Scalar> keywords, const TomlValue& value, bool list) {
    Item item;
    item.values = std::move(keywords);
    item.list = list;
    item.span = value.span;
    return item;
  }

  std::vector<Item> parse_items(const TomlValue& table, const TomlMember& selection) {
    if (table.members.empty()) empty("selection `" + selection.key + "` is empty", selection.span);
    std::vector<Item> items;
    for (const TomlMember& member : table.members) {
      if (member.value.is(Kind::kTable)) {
        reporter_.error("D023", joined_span(member), "a field name with dots must be quoted",
                        "write \"" + joined_path(member) + "\"");
      } else {
        items.push_back(parse_item(member));
      }
    }
    return items;
  }

  Item parse_item(const TomlMember& member) {
    Item item;
    item.span = member.span;
    size_t bar = std::min(member.key.find('|'), member.key.size());
    item.field = member.key.substr(0, bar);
    while (bar < member.key.size()) {
      const size_t next = std::min(member.key.find('|', bar + 1), member.key.size());
      item.modifiers.push_back(member.key.substr(bar + 1, next - bar - 1));
      bar = next;
    }
    if (item.field.empty() && item.modifiers != std::vector<std::string>{"all"}) {
      reporter_.error("D023", member.span, "the field's name is missing",
                      "without a field there is \"|all\", for keywords that must all be found");
    }
    parse_values(member, item);
    return item;
  }

  void parse_values(const TomlMember& member, Item& item) {
    const std::string what = "a value of `" + member.key + "`";
    item.list = member.value.is(Kind::kArray);
    if (!item.list) {
      if (auto scalar = read_scalar(reporter_, member.value, what)) item.values.push_back(*std::move(scalar));
      return;
    }
    if (member.value.elements.empty()) empty("the list of `" + member.key + "` is empty", member.value.span);
    for (const TomlValue& element : member.value.elements) {
      if (auto scalar = read_scalar(reporter_, element, what)) item.values.push_back(*std::move(scalar));
    }
  }

  void empty(std::string message, Span span) {
    reporter_.error("D026", span, std::move(message), "it would never or always match");
  }

  void check_shape() {
    if (!has_condition_)
      reporter_.error("D026", detection_.span, "the detection has no `condition`",
                      "name a selection: condition = \"selection\"");
    if (detection_.selections.empty())
      reporter_.error("D026", detection_.span, "the detection has no selection",
                      "write selection.\"process.name\" = \"...\"");
    if (detection_.selections.size() > kMaxSelections)
      reporter_.error("D026", detection_.span, "the detection has more than 1,000 selections");
    if (detection_.conditions.size() > kMaxConditions)
      reporter_.error("D026", detection_.span, "the detection has more than 100 conditions");
  }

  void check_conditions() {
    std::vector<std::string> names;
    for (const Selection& selection : detection_.selections) names.push_back(selection.name);
    std::set<uint32_t> used;
    const size_t errors_before = reporter_.errors();
    for (const Scalar& text : detection_.conditions) {
      const auto parsed = Condition::parse(*text.text(), names);
      if (const auto* error = std::get_if<ConditionError>(&parsed)) {
        reporter_.error(error->code, span_inside(*reporter_.file(), text.span, error->offset, error->length),
                        error->message, error->help);
        continue;
      }
      for (const Condition::Node& node : std::get<Condition>(parsed).nodes()) {
        if (node.op == Condition::Op::kSelection) used.insert(node.selection);
      }
    }
    for (uint32_t i = 0; i < names.size() && reporter_.errors() == errors_before; ++i) {
      if (!used.contains(i))
        reporter_.warning("D056", detection_.selections[i].span,
                          "no condition uses the selection `" + names[i] + "`");
    }
  }

  Reporter& reporter_;
  Detection detection_;
  bool has_condition_ = false;
  std::string condition_text_;  // all of them
};

}  // namespace

std::optional<Detection> parse_detection(Reporter& reporter, const TomlMember& member) {
  return DetectionParser(reporter).parse(member);
}

}  // namespace detectd
