#include "engine/correlation_why.h"

#include <algorithm>
#include <utility>

namespace detectd {
namespace {

// Hits of all groups, to be listed for one.
constexpr size_t kMaxRemembered = 20'000;

}  // namespace

CorrelationInquiry::CorrelationInquiry(std::shared_ptr<const RuleSet> rules, uint32_t correlation)
    : rules_(std::move(rules)),
      index_(correlation),
      correlation_(rules_->correlations()[correlation]),
      correlator_(rules_, {}) {}

CorrelationWhy CorrelationInquiry::observe(const Event& event, std::span<const uint32_t> held) {
  CorrelationWhy why;
  why.rule = correlation_.rule.get();
  if (event.silent) held = {};
  if (event.has_time && !event.silent) correlator_.observe(event.order_ns());
  std::vector<Hit> hits = hits_of(event, held);
  // Before the correlator sees them: then every tuple is known.
  look_at_terms(hits, event.order_ns(), why);
  std::vector<uint32_t> correlations;
  correlator_.conclude(held, Sha256{}, hits, correlations);  // nobody asks for the ids of these hits
  why.holds = std::find(correlations.begin(), correlations.end(), index_) != correlations.end();
  for (uint32_t input = 0; input < correlation_.inputs.size(); ++input) {
    InputWhy& told = why.inputs.emplace_back();
    told.rule = rule_of(input);
    for (const Hit& hit : hits) {
      if (hit.rule.get() != told.rule) continue;
      told = look_at(input, hit);
      if (told.lacks.empty()) count(input, hit, why);
    }
  }
  if (why.counts) append_window(why);
  return why;
}

std::vector<Hit> CorrelationInquiry::hits_of(const Event& event, std::span<const uint32_t> held) const {
  std::vector<Hit> hits;
  if (held.empty()) return hits;
  const auto kept = std::make_shared<const Event>(event);
  for (const uint32_t rule : held) {
    Hit& hit = hits.emplace_back();
    hit.rule = rules_->rules()[rule].rule;
    hit.event = kept;
  }
  return hits;
}

const Rule* CorrelationInquiry::rule_of(uint32_t input) const {
  const CorrelationInput& asked = correlation_.inputs[input];
  return asked.is_correlation ? rules_->correlations()[asked.source].rule.get()
                              : rules_->rules()[asked.source].rule.get();
}

void CorrelationInquiry::look_at_terms(const std::vector<Hit>& hits, int64_t order_ns, CorrelationWhy& why) {
  for (uint32_t input = 0; input < correlation_.inputs.size(); ++input) {
    for (const Hit& hit : hits) {
      if (hit.rule.get() != rule_of(input)) continue;
      const auto look = correlator_.look(index_, input, hit);
      if (!look) continue;
      why.known |= look->known;
      why.learning |= look->learns_until_ns && order_ns < *look->learns_until_ns;
    }
  }
}

InputWhy CorrelationInquiry::look_at(uint32_t input, const Hit& hit) {
  InputWhy told{.rule = rule_of(input), .held = true, .lacks = {}};
  const auto& correlation = *correlation_.rule->correlation;
  std::string scratch;
  const auto check = [&](const std::vector<GroupSource>& sources, const std::vector<std::string>& names) {
    for (size_t i = 0; i < sources.size(); ++i) {
      if (!append_source(sources[i], hit, hasher_, scratch)) told.lacks.push_back(names[i]);
    }
  };
  check(correlation_.inputs[input].group, correlation.group_by);
  check(correlation_.inputs[input].values, correlation.condition.fields);
  return told;
}

void CorrelationInquiry::count(uint32_t input, const Hit& hit, CorrelationWhy& why) {
  auto look = correlator_.look(index_, input, hit);
  if (!look) return;
  if (!why.counts) {
    why.group = std::move(look->group);
    why.measure = look->measure;
  }
  why.counts = true;
  recent_.push_back({{hit.event, input}, std::move(look->key), hit.event->order_ns()});
  if (recent_.size() > kMaxRemembered) recent_.pop_front();
}

void CorrelationInquiry::append_window(CorrelationWhy& why) const {
  const int64_t span_ns = correlation_.rule->correlation->timespan_ns;
  const Remembered& newest = recent_.back();
  for (auto part = recent_.rbegin(); part != recent_.rend(); ++part) {
    int64_t age_ns = 0;
    if (part->key != newest.key || __builtin_sub_overflow(newest.order_ns, part->order_ns, &age_ns)) continue;
    if (age_ns < 0 || age_ns > span_ns) continue;
    if (why.parts.size() == CorrelationWhy::kMaxParts) {
      ++why.parts_left_out;
    } else {
      why.parts.push_back(part->part);
    }
  }
  std::reverse(why.parts.begin(), why.parts.end());
}

}  // namespace detectd
