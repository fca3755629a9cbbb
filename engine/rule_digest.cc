#include "engine/rule_digest.h"

#include <algorithm>
#include <bit>
#include <vector>

namespace detectd {
namespace {

void add_scalar(Sha256Hasher& hasher, const Scalar& scalar) {
  hasher.add_number(static_cast<int64_t>(scalar.value.index()));
  if (const auto* text = std::get_if<std::string>(&scalar.value)) hasher.add_part(*text);
  if (const auto* number = std::get_if<int64_t>(&scalar.value)) hasher.add_number(*number);
  if (const auto* real = std::get_if<double>(&scalar.value)) {
    hasher.add_number(std::bit_cast<int64_t>(*real));
  }
  if (const auto* flag = std::get_if<bool>(&scalar.value)) hasher.add_number(*flag ? 1 : 0);
}

void add_scalars(Sha256Hasher& hasher, const std::vector<Scalar>& scalars) {
  hasher.add_number(static_cast<int64_t>(scalars.size()));
  for (const Scalar& scalar : scalars) add_scalar(hasher, scalar);
}

Sha256 item_digest(const Item& item, const RuleDocument& document) {
  Sha256Hasher hasher;
  hasher.add_part(item.field);
  hasher.add_number(static_cast<int64_t>(item.modifiers.size()));
  for (const std::string& modifier : item.modifiers) hasher.add_part(modifier);
  add_scalars(hasher, item.values);
  if (std::find(item.modifiers.begin(), item.modifiers.end(), "expand") != item.modifiers.end()) {
    for (const auto& [name, list] : document.lists) {
      const std::string placeholder = "%" + name + "%";
      const bool used = std::any_of(item.values.begin(), item.values.end(), [&](const Scalar& value) {
        return value.text() != nullptr && value.text()->find(placeholder) != std::string::npos;
      });
      if (!used) continue;
      hasher.add_part(name);
      add_scalars(hasher, list.values);
    }
  }
  const auto declared = document.fields.find(item.field);
  if (declared != document.fields.end()) {
    hasher.add_number(static_cast<int64_t>(declared->second.type));
    hasher.add_number(declared->second.many ? 1 : 0);
  }
  return hasher.finish();
}

// The order of a selection's items says nothing.
void add_alternative(Sha256Hasher& hasher, const std::vector<Item>& items, const RuleDocument& document) {
  std::vector<Sha256> digests;
  digests.reserve(items.size());
  for (const Item& item : items) digests.push_back(item_digest(item, document));
  std::sort(digests.begin(), digests.end());
  hasher.add_number(static_cast<int64_t>(digests.size()));
  for (const Sha256& digest : digests) hasher.add_part(hex(digest));
}

void add_response(Sha256Hasher& hasher, const Rule& rule) {
  hasher.add_number(rule.response ? 1 : 0);
  if (!rule.response) return;
  hasher.add_part(to_string(rule.response->action));
  hasher.add_part(rule.response->target);
  hasher.add_part(rule.response->fallback ? to_string(*rule.response->fallback) : "");
}

void add_suppress(Sha256Hasher& hasher, const Rule& rule) {
  hasher.add_number(rule.suppress ? 1 : 0);
  if (!rule.suppress) return;
  hasher.add_number(rule.suppress->for_ns);
  for (const std::string& field : rule.suppress->by) hasher.add_part(field);
}

void add_detection(Sha256Hasher& hasher, const Detection& detection, const RuleDocument& document) {
  for (const Selection& selection : detection.selections) {
    hasher.add_part(selection.name);
    hasher.add_number(static_cast<int64_t>(selection.alternatives.size()));
    for (const auto& items : selection.alternatives) add_alternative(hasher, items, document);
  }
  add_scalars(hasher, detection.conditions);
}

void add_texts(Sha256Hasher& hasher, const std::vector<std::string>& texts) {
  hasher.add_number(static_cast<int64_t>(texts.size()));
  for (const std::string& text : texts) hasher.add_part(text);
}

}  // namespace

Sha256 definition_digest(const Rule& rule, const RuleDocument& document) {
  Sha256Hasher hasher;
  hasher.add_part(rule.id);
  hasher.add_part(to_string(rule.level));
  // A kind that came later counts where it is named: what runs before it have kept is still known.
  for (size_t i = 0; i < kEventKindCount; ++i) {
    const auto kind = static_cast<EventKind>(i);
    if (kind != EventKind::kHealth) hasher.add_number(rule.on.has(kind) ? 1 : 0);
  }
  if (rule.on.has(EventKind::kHealth)) hasher.add_part(to_string(EventKind::kHealth));
  hasher.add_number(rule.logsource ? 1 : 0);
  if (rule.logsource) {
    hasher.add_part(rule.logsource->category);
    hasher.add_part(rule.logsource->product);
    hasher.add_part(rule.logsource->service);
  }
  hasher.add_number(rule.sigma_taxonomy ? 1 : 0);
  add_detection(hasher, rule.detection, document);
  add_response(hasher, rule);
  add_suppress(hasher, rule);
  for (const auto& filter : rule.filters) {
    hasher.add_number(filter->sigma_taxonomy ? 1 : 0);
    add_detection(hasher, filter->detection, document);
  }
  if (rule.feeds_only) hasher.add_part("feeds");
  return hasher.finish();
}

Sha256 correlation_digest(const Rule& rule, std::span<const CorrelatedRule> named) {
  const Correlation& correlation = *rule.correlation;
  Sha256Hasher hasher;
  hasher.add_part(rule.id);
  hasher.add_part(to_string(rule.level));
  hasher.add_part(to_string(correlation.type));
  for (const CorrelatedRule& input : named) {
    hasher.add_part(hex(input.digest));
    hasher.add_number(input.silenced ? 1 : 0);
  }
  add_texts(hasher, correlation.group_by);
  hasher.add_number(static_cast<int64_t>(correlation.aliases.size()));
  for (const CorrelationAlias& alias : correlation.aliases) {
    hasher.add_part(alias.name);
    hasher.add_number(static_cast<int64_t>(alias.fields.size()));
    for (const CorrelationAlias::Field& field : alias.fields) {
      hasher.add_part(field.rule.text);
      hasher.add_part(field.field);
    }
  }
  hasher.add_number(correlation.timespan_ns);
  hasher.add_number(correlation.learn_ns.value_or(0));
  hasher.add_number(static_cast<int64_t>(correlation.condition.bounds.size()));
  for (const Bound& bound : correlation.condition.bounds) {
    hasher.add_part(to_string(bound.op));
    hasher.add_number(std::bit_cast<int64_t>(bound.number));
  }
  add_texts(hasher, correlation.condition.fields);
  hasher.add_number(std::bit_cast<int64_t>(correlation.condition.percentile.value_or(-1)));
  hasher.add_number(rule.sigma_taxonomy ? 1 : 0);
  add_response(hasher, rule);
  add_suppress(hasher, rule);
  hasher.add_number(rule.feeds_only ? 1 : 0);
  return hasher.finish();
}

}  // namespace detectd
