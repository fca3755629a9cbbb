#include "engine/rule_writer.h"

#include <array>
#include <utility>
#include <vector>

#include "engine/toml_writer.h"

namespace detectd {
namespace {

std::string scalar_text(const Scalar& scalar) {
  struct Writer {
    std::string operator()(std::monostate) const { return toml_text(""); }
    std::string operator()(const std::string& text) const { return toml_text(text); }
    std::string operator()(int64_t number) const { return toml_integer(number); }
    std::string operator()(double number) const { return toml_real(number); }
    std::string operator()(bool value) const { return toml_boolean(value); }
  };
  return std::visit(Writer(), scalar.value);
}

std::vector<std::string> scalar_texts(const std::vector<Scalar>& scalars) {
  std::vector<std::string> texts;
  texts.reserve(scalars.size());
  for (const Scalar& scalar : scalars) texts.push_back(scalar_text(scalar));
  return texts;
}

std::string item_key(const Item& item) {
  std::string key = item.field;
  for (const std::string& modifier : item.modifiers) key += "|" + modifier;
  return toml_quoted_key(key);
}

std::string item_value(const Item& item) {
  return item.list ? toml_list(scalar_texts(item.values)) : scalar_text(item.values.front());
}

bool is_keywords(const std::vector<Item>& items) {
  return items.size() == 1 && items.front().field.empty() && items.front().modifiers.empty();
}

void append_item(const std::string& key, const Item& item, std::string& out) {
  if (item.list) {
    append_toml_list_line(key, scalar_texts(item.values), out);
  } else {
    append_toml_line(key, scalar_text(item.values.front()), out);
  }
}

// One alternative: `name."field" = value`, a line an item.
void append_single(const std::string& name, const std::vector<Item>& items, std::string& out) {
  if (is_keywords(items)) return append_item(name, items.front(), out);
  for (const Item& item : items) append_item(name + "." + item_key(item), item, out);
}

// Several, as elements of a list: tables, then the keywords.
std::vector<std::string> alternative_texts(const Selection& selection) {
  std::vector<std::string> elements;
  std::vector<std::string> keywords;
  for (const auto& items : selection.alternatives) {
    if (is_keywords(items)) {
      for (std::string& text : scalar_texts(items.front().values)) keywords.push_back(std::move(text));
      continue;
    }
    std::vector<std::string> members;
    for (const Item& item : items) members.push_back(item_key(item) + " = " + item_value(item));
    elements.push_back(toml_inline_table(members));
  }
  for (std::string& keyword : keywords) elements.push_back(std::move(keyword));
  return elements;
}

// A table with a header for each alternative, where a line would be too long for one. Keywords have no table.
bool wants_headers(const Selection& selection) {
  if (selection.alternatives.size() < 2) return false;
  size_t longest = 0;
  for (const auto& items : selection.alternatives) {
    if (is_keywords(items)) return false;
  }
  for (const std::string& text : alternative_texts(selection)) longest = std::max(longest, text.size());
  return longest + 3 > kTomlColumns;
}

void append_text(std::string_view key, const std::string& text, std::string& out) {
  if (!text.empty()) append_toml_line(key, toml_long_text(text), out);
}

void append_texts(std::string_view key, const std::vector<std::string>& texts, std::string& out) {
  if (texts.empty()) return;
  std::vector<std::string> written;
  written.reserve(texts.size());
  for (const std::string& text : texts) written.push_back(toml_text(text));
  append_toml_list_line(key, written, out);
}

void append_related(const std::vector<Related>& related, std::string& out) {
  if (related.empty()) return;
  std::vector<std::string> elements;
  for (const Related& other : related) {
    std::vector<std::string> members;
    if (!other.id.empty()) members.push_back("id = " + toml_text(other.id));
    if (!other.type.empty()) members.push_back("type = " + toml_text(other.type));
    elements.push_back(toml_inline_table(members));
  }
  append_toml_list_line("related", elements, out);
}

void append_prose(const std::string& description, const Prose& prose, std::string& out) {
  append_text("description", description, out);
  append_text("author", prose.author, out);
  append_text("date", prose.date, out);
  append_text("modified", prose.modified, out);
  append_texts("references", prose.references, out);
  append_texts("falsepositives", prose.falsepositives, out);
  append_text("license", prose.license, out);
  append_related(prose.related, out);
}

void append_kinds(const KindSet& kinds, std::string& out) {
  std::vector<std::string> names;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (kinds.has(kind)) names.push_back(toml_text(to_string(kind)));
  }
  if (names.size() == 1) return append_toml_line("on", names.front(), out);
  append_toml_list_line("on", names, out);
}

void append_logsource(const Logsource& logsource, std::string& out) {
  std::vector<std::string> members;
  for (const auto& [key, value] : {std::pair{"category", &logsource.category},
                                   {"product", &logsource.product},
                                   {"service", &logsource.service},
                                   {"definition", &logsource.definition}}) {
    if (!value->empty()) members.push_back(std::string(key) + " = " + toml_text(*value));
  }
  append_toml_line("logsource", toml_inline_table(members), out);
}

void append_source(const Rule& rule, std::string& out) {
  if (!rule.on.empty()) append_kinds(rule.on, out);
  if (rule.logsource) append_logsource(*rule.logsource, out);
  if (rule.sigma_taxonomy) append_toml_line("taxonomy", toml_text("sigma"), out);
}

void append_references(std::string_view key, const std::vector<RuleReference>& rules, std::string& out) {
  std::vector<std::string> texts;
  texts.reserve(rules.size());
  for (const RuleReference& rule : rules) texts.push_back(toml_text(rule.text));
  append_toml_list_line(key, texts, out);
}

void append_aliases(const std::vector<CorrelationAlias>& aliases, std::string& out) {
  if (aliases.empty()) return;
  std::vector<std::string> members;
  for (const CorrelationAlias& alias : aliases) {
    std::vector<std::string> fields;
    for (const CorrelationAlias::Field& field : alias.fields)
      fields.push_back(toml_key(field.rule.text) + " = " + toml_text(field.field));
    members.push_back(toml_key(alias.name) + " = " + toml_inline_table(fields));
  }
  append_toml_line("aliases", toml_inline_table(members), out);
}

// A whole number stands without a point, as people write it.
std::string bound_number(double number) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  const bool whole =
      number > -kExact && number < kExact && number == static_cast<double>(static_cast<int64_t>(number));
  return whole ? toml_integer(static_cast<int64_t>(number)) : toml_real(number);
}

void append_condition(const CorrelationCondition& condition, std::string& out) {
  std::vector<std::string> members;
  if (condition.fields.size() == 1) members.push_back("field = " + toml_text(condition.fields.front()));
  if (condition.fields.size() > 1) members.push_back("field = " + toml_texts(condition.fields));
  if (condition.percentile) members.push_back("percentile = " + bound_number(*condition.percentile));
  for (const Bound& bound : condition.bounds)
    members.push_back(std::string(to_string(bound.op)) + " = " + bound_number(bound.number));
  if (!members.empty()) append_toml_line("condition", toml_inline_table(members), out);
}

void append_correlation(const Correlation& correlation, std::string& out) {
  append_toml_line("type", toml_text(to_string(correlation.type)), out);
  append_references("rules", correlation.rules, out);
  append_texts("group-by", correlation.group_by, out);
  if (correlation.timespan_ns != 0)
    append_toml_line("timespan", toml_text(write_duration(correlation.timespan_ns)), out);
  if (correlation.learn_ns) append_toml_line("learn", toml_text(write_duration(*correlation.learn_ns)), out);
  append_aliases(correlation.aliases, out);
  if (correlation.generate) append_toml_line("generate", toml_boolean(*correlation.generate), out);
  append_condition(correlation.condition, out);
}

void append_response(const Response& response, std::string& out) {
  std::vector<std::string> members = {"action = " + toml_text(to_string(response.action))};
  if (response.target != Response().target) members.push_back("target = " + toml_text(response.target));
  if (response.fallback) members.push_back("fallback = " + toml_text(to_string(*response.fallback)));
  append_toml_line("response", toml_inline_table(members), out);
}

void append_suppress(const Suppress& suppress, std::string& out) {
  if (suppress.for_ns == 0) return append_toml_line("suppress", toml_boolean(false), out);
  std::vector<std::string> members;
  if (!suppress.by.empty()) members.push_back("by = " + toml_texts(suppress.by));
  members.push_back("for = " + toml_text(write_duration(suppress.for_ns)));
  append_toml_line("suppress", toml_inline_table(members), out);
}

// Lists and tables stand on lines of their own as far as they are short.
void append_custom(const std::vector<TomlMember>& custom, std::string_view table, std::string& out) {
  if (custom.empty()) return;
  out += "\n[" + std::string(table) + ".custom]\n";
  for (const TomlMember& member : custom) {
    const std::string key = toml_key(member.key);
    if (member.value.is(TomlValue::Kind::kArray)) {
      std::vector<std::string> elements;
      for (const TomlValue& element : member.value.elements) elements.push_back(toml_value(element));
      append_toml_list_line(key, elements, out);
    } else if (member.value.is(TomlValue::Kind::kString)) {
      append_toml_line(key, toml_long_text(member.value.text), out);
    } else {
      append_toml_line(key, toml_value(member.value), out);
    }
  }
}

void append_test(const RuleTest& test, std::string_view table, std::string& out) {
  out += "\n[[" + std::string(table) + ".test]]\n";
  append_toml_line("name", toml_text(test.name), out);
  append_toml_line("match", toml_boolean(test.match), out);
  if (table == "rule") return append_toml_line("event", toml_of_json(test.event_json), out);
  out += "events = [\n";
  int64_t before_ns = 0;
  for (const TestEvent& event : test.events) {
    std::string text = toml_of_json(event.json);
    out += "  ";
    if (event.at_ns != before_ns) {
      out += "{ at = " + toml_text(write_duration(event.at_ns));
      text.replace(0, 1, text == "{}" ? " " : ",");
    }
    out += text + ",\n";
    before_ns = event.at_ns;
  }
  out += "]\n";
}

std::string_view type_name(FieldType type) {
  switch (type) {
    case FieldType::kInteger: return "integer";
    case FieldType::kReal: return "number";
    case FieldType::kBoolean: return "boolean";
    case FieldType::kIp: return "ip";
    case FieldType::kTime: return "time";
    case FieldType::kText:
    case FieldType::kAny: break;
  }
  return "string";
}

}  // namespace

std::string write_rule(const Rule& rule) {
  const std::string table = rule.correlation ? "correlation" : "rule";
  std::string out = "[[" + table + "]]\n";
  append_toml_line("id", toml_text(rule.id), out);
  append_text("name", rule.name, out);
  append_toml_line("title", toml_text(rule.title), out);
  append_toml_line("level", toml_text(to_string(rule.level)), out);
  append_toml_line("status", toml_text(to_string(rule.status)), out);
  append_prose(rule.description, rule.prose, out);
  append_texts("tags", rule.tags, out);
  append_source(rule, out);
  if (rule.correlation) append_correlation(*rule.correlation, out);
  if (rule.response) append_response(*rule.response, out);
  if (rule.suppress) append_suppress(*rule.suppress, out);
  if (!rule.correlation) out += "\n" + write_detection(rule.detection, "rule.detection");
  append_custom(rule.prose.custom, table, out);
  for (const RuleTest& test : rule.tests) append_test(test, table, out);
  return out;
}

std::string write_filter(const Filter& filter) {
  std::string out = "[[filter]]\n";
  append_text("id", filter.id, out);
  append_text("name", filter.name, out);
  append_text("title", filter.title, out);
  append_prose(filter.description, filter.prose, out);
  if (filter.any_rule) {
    append_toml_line("rules", toml_text("any"), out);
  } else {
    append_references("rules", filter.rules, out);
  }
  if (filter.logsource) append_logsource(*filter.logsource, out);
  if (filter.sigma_taxonomy) append_toml_line("taxonomy", toml_text("sigma"), out);
  out += "\n" + write_detection(filter.detection, "filter.detection");
  append_custom(filter.prose.custom, "filter", out);
  return out;
}

std::string write_detection(const Detection& detection, std::string_view table) {
  std::string out = "[" + std::string(table) + "]\n";
  std::string tables;
  for (const Selection& selection : detection.selections) {
    const std::string name = toml_key(selection.name);
    if (wants_headers(selection)) {
      for (const auto& items : selection.alternatives) {
        tables += "\n[[" + std::string(table) + "." + name + "]]\n";
        for (const Item& item : items) append_item(item_key(item), item, tables);
      }
    } else if (selection.alternatives.size() == 1) {
      append_single(name, selection.alternatives.front(), out);
    } else {
      append_toml_list_line(name, alternative_texts(selection), out);
    }
  }
  const std::vector<std::string> conditions = scalar_texts(detection.conditions);
  if (conditions.size() == 1) {
    append_toml_line("condition", conditions.front(), out);
  } else {
    append_toml_list_line("condition", conditions, out);
  }
  return out + tables;
}

std::string write_lists(const std::map<std::string, ListDefinition>& lists) {
  if (lists.empty()) return {};
  std::string out = "[lists]\n";
  for (const auto& [name, list] : lists)
    append_toml_list_line(toml_key(name), scalar_texts(list.values), out);
  return out;
}

std::string write_fields(const std::map<std::string, FieldDefinition>& fields) {
  if (fields.empty()) return {};
  std::string out = "[fields]\n";
  for (const auto& [name, field] : fields) {
    const std::string type = (field.many ? "list of " : "") + std::string(type_name(field.type));
    append_toml_line(toml_quoted_key(name), toml_text(type), out);
  }
  return out;
}

std::string write_duration(int64_t ns) {
  constexpr std::array<std::pair<int64_t, const char*>, 5> kUnits = {{{86'400'000'000'000, "d"},
                                                                      {3'600'000'000'000, "h"},
                                                                      {60'000'000'000, "m"},
                                                                      {1'000'000'000, "s"},
                                                                      {1'000'000, "ms"}}};
  for (const auto& [unit, name] : kUnits) {
    if (ns % unit == 0) return std::to_string(ns / unit) + name;
  }
  return std::to_string(ns / kUnits.back().first) + kUnits.back().second;
}

std::string write_value(const Scalar& value) { return scalar_text(value); }

}  // namespace detectd
