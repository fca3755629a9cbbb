#include "src/detectctl/rule_schema.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/event_kind.h"
#include "engine/fields.h"
#include "engine/item_modifiers.h"
#include "engine/json_writer.h"
#include "engine/key_tables.h"

namespace detectd {
namespace {

using Names = std::span<const std::string_view>;

// What a key holds, wherever it stands; `of` names the table where it holds something else there.
struct Property {
  std::string_view of, key, schema, description;
};
constexpr std::string_view kText = R"("type":"string")";
constexpr std::string_view kBoolean = R"("type":"boolean")";
constexpr std::string_view kTexts =
    R"("anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"}}])";
constexpr std::string_view kReferences =
    R"("anyOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}])";
constexpr std::string_view kDate = R"("type":"string","pattern":"^[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}$")";
constexpr std::string_view kDuration = R"("type":"string","pattern":"^[0-9]+(ms|s|m|h|d)$")";
constexpr std::string_view kNumber = R"("type":"number")";

constexpr Property kProperties[] = {
    {"", "id", R"("type":"string","pattern":"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")",
     "A UUID of its own; `uuidgen` makes one."},
    {"", "name", R"("type":"string","pattern":"^[a-z0-9_-]+$")", "A name of a-z, 0-9, _ and -."},
    {"", "title", R"("type":"string","minLength":1)", "One line that says what has happened."},
    {"", "level", "enum:levels", "How bad it is."},
    {"", "status", "enum:statuses", "deprecated and unsupported rules are checked, not run."},
    {"filter", "status", kText, "For people."},
    {"", "description", kText, "For people: what it means, and what to look at."},
    {"", "author", kText, "Who wrote it."},
    {"", "license", kText, "Its license."},
    {"", "date", kDate, "When it was written."},
    {"", "modified", kDate, "When it was last changed."},
    {"", "references", kTexts, "Where to read on."},
    {"", "falsepositives", kTexts, "Harmless events that it hits, and what it can not see."},
    {"", "related", R"("type":"array","items":{"$ref":"#/definitions/related"})", "Rules that it is like."},
    {"related", "id", kText, "The other rule's id."},
    {"related", "type", kText, "How they are related, in Sigma's words."},
    {"", "tags", kTexts, "attack.t1059.004, attack.execution, ..."},
    {"", "taxonomy", "enum:taxonomies", "Field names are Sigma's."},
    {"", "custom", R"("type":"object")", "Anything; detectd does not look at it."},
    {"", "on", "kinds", "The kinds of events that it looks at."},
    {"", "logsource", R"("$ref":"#/definitions/logsource")", "Of imported rules, in the place of `on`."},
    {"logsource", "category", kText, "process_creation, ..."},
    {"logsource", "product", kText, "linux, windows, ..."},
    {"logsource", "service", kText, "auditd, ..."},
    {"logsource", "definition", kText, "What must be logged."},
    {"", "detection", R"("$ref":"#/definitions/detection")", "Selections, and a condition over them."},
    {"", "response", R"("$ref":"#/definitions/response")", "What is done to a process."},
    {"response", "action", "enum:actions", "alert does nothing."},
    {"response", "target", kText, "process, parent, or a rule of a temporal_ordered correlation."},
    {"response", "fallback", "enum:fallbacks", "Where a host can not deny."},
    {"", "suppress", R"("anyOf":[{"const":false},{"$ref":"#/definitions/suppress"}])",
     "Repeats are folded into one report."},
    {"suppress", "by", kTexts, "Fields whose values must be the same."},
    {"suppress", "for", kDuration, "For how long: 90s, 10m, 1h, 2d."},
    {"rule", "test", R"("type":"array","items":{"$ref":"#/definitions/rule_test"})",
     "Events that it must hit, or not."},
    {"correlation", "test", R"("type":"array","items":{"$ref":"#/definitions/correlation_test"})",
     "Sequences of events that it must hit, or not."},
    {"rule_test", "name", kText, "A sentence."},
    {"rule_test", "match", kBoolean, "Whether the rule must hold."},
    {"rule_test", "event", R"("type":"object")", "As in a capture."},
    {"correlation_test", "name", kText, "A sentence."},
    {"correlation_test", "match", kBoolean, "Whether the correlation must hold."},
    {"correlation_test", "events", R"("type":"array","items":{"type":"object"})",
     "Each with an offset, at = \"5s\"."},
    {"correlation", "type", "enum:types", "What is looked at."},
    {"", "rules", kReferences, "Rules, by id or name."},
    {"", "group-by", kTexts, "Fields whose values make a group."},
    {"", "timespan", kDuration, "How long the window is."},
    {"", "learn", kDuration, "new_terms: for how long nothing is new."},
    {"", "aliases",
     R"("type":"object","additionalProperties":{"type":"object","additionalProperties":{"type":"string"}})",
     "A name for fields that are called otherwise by each rule."},
    {"", "generate", kBoolean, "Whether the rules that it names give hits of their own."},
    {"correlation", "condition", R"("$ref":"#/definitions/correlation_condition")", "{ gte = 10 }"},
    {"correlation_condition", "lt", kNumber, "Less than."},
    {"correlation_condition", "lte", kNumber, "At most."},
    {"correlation_condition", "gt", kNumber, "More than."},
    {"correlation_condition", "gte", kNumber, "At least."},
    {"correlation_condition", "eq", kNumber, "Exactly."},
    {"correlation_condition", "neq", kNumber, "Anything but."},
    {"correlation_condition", "field", kTexts, "Whose values are counted, or added."},
    {"correlation_condition", "percentile", R"("type":"number","minimum":0,"maximum":100)",
     "Of value_percentile."},
    {"override", "rule", kText, "The rule, by id or name."},
    {"override", "list", kText, "The list."},
    {"override", "add", R"("type":"array","items":{"$ref":"#/definitions/scalar"})", "What the list gets."},
    {"override", "enabled", kBoolean, "false: it does not run."},
};

const Property* find_property(std::string_view of, std::string_view key) {
  for (const std::string_view table : {of, std::string_view()}) {
    const auto found =
        std::find_if(std::begin(kProperties), std::end(kProperties),
                     [&](const Property& property) { return property.of == table && property.key == key; });
    if (found != std::end(kProperties)) return &*found;
  }
  return nullptr;
}

struct Table {
  std::string_view name;
  Names keys;
  std::string_view rest;  // what more is demanded of it
};
// Those of rule files, with the tables inside of them.
constexpr Table kTables[] = {
    {"rule", key_tables::kRuleKeys,
     R"("required":["id","title","level","detection"],"oneOf":[{"required":["on"]},{"required":["logsource"]}])"},
    {"correlation", key_tables::kCorrelationKeys, R"("required":["id","title","level","type","rules"])"},
    {"filter", key_tables::kFilterKeys, R"("required":["rules","detection"])"},
    {"override", key_tables::kOverrideKeys, R"("oneOf":[{"required":["rule"]},{"required":["list","add"]}])"},
    {"rule_test", key_tables::kRuleTestKeys, R"("required":["name","match","event"])"},
    {"correlation_test", key_tables::kCorrelationTestKeys, R"("required":["name","match","events"])"},
    {"correlation_condition", key_tables::kConditionKeys, ""},
    {"response", key_tables::kResponseKeys, R"("required":["action"])"},
    {"suppress", key_tables::kSuppressKeys, R"("required":["for"])"},
    {"logsource", key_tables::kLogsourceKeys,
     R"("anyOf":[{"required":["category"]},{"required":["product"]},{"required":["service"]}])"},
    {"related", key_tables::kRelatedKeys, ""},
};

std::string enumeration(Names words) {
  JsonWriter json;
  json.begin_array();
  for (const std::string_view word : words) json.string(word);
  json.end_array();
  return R"("enum":)" + json.text();
}

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kOther); ++i)
    names.push_back(to_string(static_cast<EventKind>(i)));
  return names;
}

// The members of a property's schema.
std::string members_of(const Property& property) {
  const std::pair<std::string_view, Names> kWords[] = {
      {"enum:levels", key_tables::kLevels},          {"enum:statuses", key_tables::kStatuses},
      {"enum:actions", key_tables::kActions},        {"enum:fallbacks", key_tables::kFallbacks},
      {"enum:types", key_tables::kCorrelationTypes}, {"enum:taxonomies", key_tables::kTaxonomies}};
  for (const auto& [word, names] : kWords) {
    if (property.schema == word) return enumeration(names);
  }
  if (property.schema == "kinds") {
    const std::string one = "{" + enumeration(kind_names()) + "}";
    return R"("anyOf":[)" + one + R"(,{"type":"array","minItems":1,"items":)" + one + "}]";
  }
  return std::string(property.schema);
}

std::string described(std::string members, std::string_view description) {
  JsonWriter json;
  json.string(description);
  return "{" + members + R"(,"description":)" + json.text() + "}";
}

void add_table(JsonWriter& json, const Table& table) {
  std::string text = R"({"type":"object","additionalProperties":false,"properties":{)";
  bool first = true;
  for (const std::string_view key : table.keys) {
    const Property* property = find_property(table.name, key);
    text += (first ? "\"" : ",\"") + std::string(key) + "\":";
    text += property == nullptr ? "true" : described(members_of(*property), property->description);
    first = false;
  }
  text += "}" + (table.rest.empty() ? "" : "," + std::string(table.rest)) + "}";
  json.key(table.name);
  json.raw(text);
}

// `field|modifier|...`; a keyword search has no field.
std::string item_pattern() {
  std::string modifiers;
  for (const std::string_view name : modifier_names())
    modifiers += (modifiers.empty() ? "" : "|") + std::string(name);
  return R"(^([^|]+(\|()" + modifiers + R"())*|\|all)$)";
}

// The items of a selection: the fields by name, so that editors offer them.
void add_items(JsonWriter& json) {
  json.key("items");
  json.begin_object();
  json.member("type", "object");
  json.key("minProperties");
  json.number(1);
  json.key("properties");
  json.begin_object();
  for (size_t i = 0; i < kFieldCount; ++i) {
    const FieldInfo& info = table_info(FieldId(static_cast<uint16_t>(i)));
    json.key(info.name);
    json.begin_object();
    json.member("$ref", "#/definitions/values");
    json.member("description", info.meaning);
    json.end_object();
  }
  json.end_object();
  json.key("patternProperties");
  json.begin_object();
  json.key(item_pattern());
  json.raw(R"({"$ref":"#/definitions/values"})");
  json.end_object();
  json.key("additionalProperties");
  json.boolean(false);
  json.end_object();
}

void add_detection(JsonWriter& json) {
  constexpr std::pair<std::string_view, std::string_view> kParts[] = {
      {"scalar", R"({"type":["string","number","boolean"]})"},
      {"values",
       R"({"anyOf":[{"$ref":"#/definitions/scalar"},{"type":"array","minItems":1,"items":{"$ref":"#/definitions/scalar"}}]})"},
      {"selection",
       R"({"anyOf":[{"$ref":"#/definitions/items"},{"$ref":"#/definitions/scalar"},{"type":"array","minItems":1,"items":{"anyOf":[{"$ref":"#/definitions/items"},{"$ref":"#/definitions/scalar"}]}}]})"},
      {"detection",
       R"({"type":"object","required":["condition"],"minProperties":2,"properties":{"condition":{"anyOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}],"description":"and, or, not, 1 of x*, all of them"}},"additionalProperties":{"$ref":"#/definitions/selection"}})"},
  };
  add_items(json);
  for (const auto& [name, schema] : kParts) {
    json.key(name);
    json.raw(schema);
  }
}

std::string file_property(std::string_view key) {
  if (key == "lists") return R"({"type":"object","additionalProperties":{"$ref":"#/definitions/values"}})";
  if (key == "fields") return R"({"type":"object","additionalProperties":{"type":["string","object"]}})";
  return R"({"type":"array","items":{"$ref":"#/definitions/)" + std::string(key) + R"("}})";
}

}  // namespace

std::string rule_schema() {
  JsonWriter json;
  json.begin_object();
  json.member("$schema", "http://json-schema.org/draft-07/schema#");
  json.member("title", "Rules of detectd");
  json.member("description",
              "detectd-rules(5) is the authority; `detectctl check` knows more than a schema can say.");
  json.member("type", "object");
  json.key("additionalProperties");
  json.boolean(false);
  json.key("properties");
  json.begin_object();
  for (const std::string_view key : key_tables::kFileKeys) {
    json.key(key);
    json.raw(file_property(key));
  }
  json.end_object();
  json.key("definitions");
  json.begin_object();
  for (const Table& table : kTables) add_table(json, table);
  add_detection(json);
  json.end_object();
  json.end_object();
  return json.text() + "\n";
}

std::string undescribed_key() {
  for (const Table& table : kTables) {
    for (const std::string_view key : table.keys) {
      if (find_property(table.name, key) == nullptr) return std::string(table.name) + "." + std::string(key);
    }
  }
  return {};
}

}  // namespace detectd
