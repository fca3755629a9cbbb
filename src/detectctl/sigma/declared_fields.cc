#include "src/detectctl/sigma/declared_fields.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "engine/fields.h"
#include "engine/rule_fields.h"

namespace detectd {
namespace {

bool has_modifier(const Item& item, std::string_view modifier) {
  return std::find(item.modifiers.begin(), item.modifiers.end(), modifier) != item.modifiers.end();
}

bool compares_numbers(const Item& item) {
  const bool compares = has_modifier(item, "lt") || has_modifier(item, "lte") || has_modifier(item, "gt") ||
                        has_modifier(item, "gte");
  constexpr std::array<const char*, 6> kTimeParts = {"minute", "hour", "day", "week", "month", "year"};
  return compares && std::none_of(kTimeParts.begin(), kTimeParts.end(),
                                  [&](const char* part) { return has_modifier(item, part); });
}

class Collector {
 public:
  Collector(bool sigma_taxonomy, NamedFields& fields) : sigma_taxonomy_(sigma_taxonomy), fields_(fields) {}

  void add(const std::string& name, bool compared = false) {
    const std::string known(sigma_taxonomy_ ? translate_sigma_field(name) : name);
    if (known.empty() || find_table_field_or_alias(known) || known.starts_with("labels.")) return;
    fields_.names.insert(known);
    if (compared) fields_.compared.insert(known);
  }

  void add(const Detection& detection, const std::optional<Logsource>& logsource) {
    for (const Selection& selection : detection.selections) {
      for (const auto& items : selection.alternatives) {
        for (const Item& item : items) {
          add(sigma_taxonomy_ ? translate_sigma_item(item, logsource) : item);
        }
      }
    }
  }

 private:
  void add(const Item& item) {
    add(item.field, compares_numbers(item));
    if (!has_modifier(item, "fieldref")) return;
    for (const Scalar& value : item.values) {
      if (value.text() != nullptr) add(*value.text());
    }
  }

  bool sigma_taxonomy_;
  NamedFields& fields_;
};

}  // namespace

void collect_unknown_fields(const Rule& rule, NamedFields& fields) {
  Collector collector(rule.sigma_taxonomy, fields);
  collector.add(rule.detection, rule.logsource);
  if (!rule.correlation) return;
  const Correlation& correlation = *rule.correlation;
  const auto is_alias = [&](const std::string& name) {
    return std::any_of(correlation.aliases.begin(), correlation.aliases.end(),
                       [&](const CorrelationAlias& alias) { return alias.name == name; });
  };
  for (const std::string& name : correlation.group_by) {
    if (!is_alias(name)) collector.add(name);
  }
  for (const std::string& name : correlation.condition.fields) {
    if (!is_alias(name)) collector.add(name);
  }
  for (const CorrelationAlias& alias : correlation.aliases) {
    for (const CorrelationAlias::Field& field : alias.fields) collector.add(field.field);
  }
}

void collect_unknown_fields(const Filter& filter, NamedFields& fields) {
  Collector(filter.sigma_taxonomy, fields).add(filter.detection, filter.logsource);
}

}  // namespace detectd
