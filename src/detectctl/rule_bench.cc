#include "src/detectctl/rule_bench.h"

#include <algorithm>
#include <numeric>

#include "engine/escape.h"
#include "engine/rule_keys.h"
#include "src/clock.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

// The least time that no more than `beyond` in a thousand exceed.
int64_t quantile(const std::vector<int64_t>& sorted, size_t beyond) {
  const size_t above = sorted.size() * beyond / 1000;
  return sorted[sorted.size() - 1 - above];
}

std::string_view relation(TextKey::Kind kind) {
  switch (kind) {
    case TextKey::Kind::kWhole: return " is ";
    case TextKey::Kind::kLastPart: return " ends in ";
    case TextKey::Kind::kWithin: return " has ";
  }
  return " has ";
}

}  // namespace

RuleBench::RuleBench(const RuleSet& rules, uint64_t profile_every)
    : rules_(rules),
      matcher_(rules),
      profile_(rules, profile_every),
      clock_ns_(thread_cpu_resolution_ns()),
      events_by_kind_(kEventKindCount),
      found_(rules.rules().size()),
      held_(rules.rules().size()) {}

void RuleBench::observe(const Event& event) {
  if (event.silent || rules_.for_kind(event.kind).rules.empty()) return;
  now_.clear();
  const int64_t before_ns = thread_cpu_ns();
  matcher_.match(event, now_);
  match_ns_.push_back(std::max<int64_t>(thread_cpu_ns() - before_ns - clock_ns_, 0));
  ++events_by_kind_[static_cast<size_t>(event.kind)];
  for (const uint32_t rule : matcher_.found()) ++found_[rule];
  for (const uint32_t rule : now_) ++held_[rule];
  profile_.observe(event);
}

MatchCost RuleBench::match_cost() const {
  MatchCost cost;
  cost.events = match_ns_.size();
  if (match_ns_.empty()) return cost;
  std::vector<int64_t> sorted = match_ns_;
  std::sort(sorted.begin(), sorted.end());
  cost.mean_ns = std::accumulate(sorted.begin(), sorted.end(), 0.0) / static_cast<double>(sorted.size());
  cost.p50_ns = quantile(sorted, 500);
  cost.p99_ns = quantile(sorted, 10);
  cost.p999_ns = quantile(sorted, 1);
  cost.max_ns = sorted.back();
  return cost;
}

std::vector<RuleCost> RuleBench::rule_costs() const {
  std::vector<RuleCost> costs(rules_.rules().size());
  for (uint32_t rule = 0; rule < costs.size(); ++rule) {
    costs[rule] = {
        .rule = rule, .events = 0, .asked = found_[rule], .held = held_[rule], .ns = profile_.mean_ns(rule)};
  }
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    const KindIndex& index = rules_.for_kind(static_cast<EventKind>(kind));
    for (const uint32_t rule : index.rules) costs[rule].events += events_by_kind_[kind];
    for (const uint32_t rule : index.unkeyed) {
      costs[rule].asked += events_by_kind_[kind];
      costs[rule].always_asked = true;
    }
  }
  return costs;
}

std::vector<std::string> key_texts(const RuleSet& rules) {
  const std::vector<Term> terms(rules.terms().begin(), rules.terms().end());
  RuleKeys keys(terms);
  std::vector<std::string> texts(rules.rules().size());
  std::vector<size_t> counts(rules.rules().size());
  for (uint32_t term = 0; term < terms.size(); ++term) {
    if (rules.rules_of(term).empty()) continue;
    const RuleKeys::Keys& known = *keys.keys(term);
    const TextKey& first = known.any_of.front();
    for (const uint32_t rule : rules.rules_of(term)) {
      counts[rule] += known.any_of.size();
      if (!texts[rule].empty()) continue;
      texts[rule] = escape_text(rules.schema().info(known.field).name) + std::string(relation(first.kind)) +
                    '"' + escape_text(first.text) + '"';
    }
  }
  for (size_t rule = 0; rule < texts.size(); ++rule) {
    if (counts[rule] <= 1) continue;
    texts[rule] += " or " + with_separators(counts[rule] - 1) + (counts[rule] == 2 ? " other" : " others");
  }
  return texts;
}

}  // namespace detectd
