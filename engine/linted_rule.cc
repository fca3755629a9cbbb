#include "engine/linted_rule.h"

#include <charconv>
#include <map>
#include <utility>

#include "engine/rule_fields.h"
#include "engine/value_strings.h"

namespace detectd {
namespace {

std::optional<FieldId> resolve(std::string_view written, const Rule& rule, const RuleDocument& document,
                               Schema& schema) {
  const std::string_view name = rule.sigma_taxonomy ? translate_sigma_field(written) : written;
  if (const auto id = find_table_field_or_alias(name)) return id;
  const auto declared = document.fields.find(std::string(name));
  if (declared == document.fields.end()) return schema.add(name, FieldType::kAny, true);
  return schema.add(name, declared->second.type, declared->second.many);
}

std::vector<Pattern> patterns_of(const Scalar& value, const Modifiers& modifiers,
                                 const RuleDocument& document) {
  const auto plain = plain_text(value);
  // A real is compared as a number, whatever its text.
  if (std::holds_alternative<double>(value.value) || (!plain && value.text() == nullptr)) return {};
  ValueMistake mistake;
  const auto strings =
      strings_of_value(plain ? *plain : *value.text(), !plain, modifiers, document.lists, mistake);
  std::vector<Pattern> patterns;
  if (!strings) return patterns;
  patterns.reserve(strings->size());
  for (const SigmaString& string : *strings) patterns.emplace_back(string, modifiers.cased);
  return patterns;
}

// The rule compiled, so this does not fail; an item that still does is left out.
std::optional<LintedItem> read_item(const Item& written, const Rule& rule, const RuleDocument& document,
                                    Schema& schema) {
  LintedItem linted;
  linted.item = rule.sigma_taxonomy ? translate_sigma_item(written, rule.logsource) : written;
  if (!linted.item.field.empty()) {
    linted.field = resolve(linted.item.field, rule, document, schema);
    if (!linted.field) return std::nullopt;
  }
  ModifierMistake mistake;
  auto modifiers = parse_modifiers(linted.item.modifiers, !linted.field, mistake);
  if (!modifiers) return std::nullopt;
  linted.modifiers = *std::move(modifiers);
  Diagnostics told_already;
  ItemContext context{
      schema, document.lists, rule.file, told_already,
      [&](std::string_view name, const Span&) { return resolve(name, rule, document, schema); }};
  linted.compiled = CompiledItem::compile(linted.item, linted.field, context);
  if (linted.compiled == nullptr) return std::nullopt;
  if (linted.compares_text()) {
    for (const Scalar& value : linted.item.values) {
      linted.patterns.push_back(patterns_of(value, linted.modifiers, document));
    }
  }
  return linted;
}

LintedSelection read_selection(const Selection& written, const Rule& rule, const RuleDocument& document,
                               Schema& schema) {
  LintedSelection selection{.name = written.name, .span = written.span, .alternatives = {}};
  for (const auto& items : written.alternatives) {
    auto& alternative = selection.alternatives.emplace_back();
    for (const Item& item : items) {
      if (auto linted = read_item(item, rule, document, schema)) alternative.push_back(*std::move(linted));
    }
  }
  return selection;
}

Condition read_condition(const Detection& detection) {
  std::vector<std::string> names;
  for (const Selection& selection : detection.selections) names.push_back(selection.name);
  std::vector<Condition> conditions;
  for (const Scalar& text : detection.conditions) {
    auto parsed = Condition::parse(*text.text(), names);
    if (auto* const condition = std::get_if<Condition>(&parsed)) conditions.push_back(std::move(*condition));
  }
  return Condition::any_of(conditions);
}

}  // namespace

LintedRule read_rule_to_lint(std::shared_ptr<const Rule> rule, KindSet kinds, const RuleDocument& document,
                             Schema& schema) {
  LintedRule linted{
      .rule = std::move(rule), .kinds = kinds, .selections = {}, .condition = Condition::any_of({})};
  linted.condition = read_condition(linted.rule->detection);
  for (const Selection& selection : linted.rule->detection.selections) {
    linted.selections.push_back(read_selection(selection, *linted.rule, document, schema));
  }
  return linted;
}

Rule as_rule(const Filter& filter) {
  Rule rule;
  rule.sigma_taxonomy = filter.sigma_taxonomy;
  rule.logsource = filter.logsource;
  rule.detection = filter.detection;
  rule.file = filter.file;
  rule.span = filter.span;
  return rule;
}

void read_rules_to_lint(const RuleDocument& document, const RuleSet& set, LintedRules& linted) {
  linted.rules.reserve(set.rules().size());
  std::map<const Filter*, KindSet> kinds_of_filter;
  std::vector<std::shared_ptr<const Filter>> filters;
  for (const CompiledRule& compiled : set.rules()) {
    if (compiled.rule->correlation) continue;
    linted.rules.push_back(read_rule_to_lint(compiled.rule, compiled.kinds, document, linted.schema));
    for (const auto& filter : compiled.rule->filters) {
      const auto [kinds, fresh] = kinds_of_filter.try_emplace(filter.get(), compiled.kinds);
      if (fresh) filters.push_back(filter);
      kinds->second = kinds->second.with(compiled.kinds);
    }
  }
  for (const auto& filter : filters) {
    linted.filters.push_back(read_rule_to_lint(std::make_shared<const Rule>(as_rule(*filter)),
                                               kinds_of_filter.find(filter.get())->second, document,
                                               linted.schema));
  }
}

bool Probe::holds(const LintedItem& item, std::string_view text) {
  event_.clear(schema_.size());
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (is_number && schema_.info(*item.field).type == FieldType::kInteger) {
    event_.set_integer(*item.field, number, text);
  } else {
    event_.set_text(*item.field, text);
  }
  texts_.begin(event_);
  return item.compiled->holds(event_, texts_);
}

}  // namespace detectd
