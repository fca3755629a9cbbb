#include "tests/support/sigma_json.h"

#include <simdjson.h>

#include <algorithm>

namespace detectd::testing {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

Scalar scalar_of(const element& value) {
  Scalar scalar;
  switch (value.type()) {
    case element_type::STRING: scalar.value = std::string(std::string_view(value)); break;
    case element_type::INT64: scalar.value = int64_t(value); break;
    case element_type::DOUBLE: scalar.value = double(value); break;
    case element_type::BOOL: scalar.value = bool(value); break;
    default: break;
  }
  return scalar;
}

void add_values(const element& value, Item& item) {
  item.list = value.is_array();
  if (!item.list) {
    item.values.push_back(scalar_of(value));
    return;
  }
  for (const element one : value.get_array()) item.values.push_back(scalar_of(one));
}

Item item_of(std::string_view key, const element& value, const std::string& prefix) {
  Item item;
  size_t bar = key.find('|');
  const std::string_view field = key.substr(0, bar);
  if (!field.empty()) item.field = prefix + std::string(field);
  while (bar != std::string_view::npos) {
    key.remove_prefix(bar + 1);
    bar = key.find('|');
    item.modifiers.emplace_back(key.substr(0, bar));
  }
  if (value.is_null()) {
    item.modifiers.emplace_back("null");
    item.values.push_back({.value = true, .span = {}});
    return item;
  }
  add_values(value, item);
  const auto& modifiers = item.modifiers;
  if (std::find(modifiers.begin(), modifiers.end(), "fieldref") != modifiers.end()) {
    for (Scalar& scalar : item.values) scalar.value = prefix + std::get<std::string>(scalar.value);
  }
  return item;
}

std::vector<Item> items_of(const element& table, const std::string& prefix) {
  std::vector<Item> items;
  for (const auto entry : table.get_object()) items.push_back(item_of(entry.key, entry.value, prefix));
  return items;
}

Selection selection_of(std::string_view name, const element& value, const std::string& prefix) {
  Selection selection;
  selection.name = name;
  if (value.is_object()) {
    selection.alternatives.push_back(items_of(value, prefix));
  } else if (simdjson::dom::array(value.get_array()).at(0).is_object()) {
    for (const element table : value.get_array()) {
      selection.alternatives.push_back(items_of(table, prefix));
    }
  } else {
    Item keywords;
    add_values(value, keywords);
    selection.alternatives.push_back({keywords});
  }
  return selection;
}

}  // namespace

Rule rule_from_detection_json(const std::string& detection, const std::string& prefix) {
  Rule rule;
  rule.id = "00000000-0000-4000-8000-000000000000";
  rule.on = {EventKind::kExec};
  simdjson::dom::parser parser;
  const element root = parser.parse(detection);
  for (const auto entry : root.get_object()) {
    if (entry.key == "condition") {
      Item conditions;
      add_values(entry.value, conditions);
      rule.detection.conditions = conditions.values;
    } else {
      rule.detection.selections.push_back(selection_of(entry.key, entry.value, prefix));
    }
  }
  std::sort(rule.detection.selections.begin(), rule.detection.selections.end(),
            [](const Selection& a, const Selection& b) { return a.name < b.name; });
  return rule;
}

}  // namespace detectd::testing
