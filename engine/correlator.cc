#include "engine/correlator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/group_key.h"
#include "engine/timestamp.h"
#include "engine/value_test.h"

namespace detectd {
namespace {

constexpr int64_t kDefaultLearnNs = 24 * 3600 * kNanosPerSecond;
// Of a group beside its key and window: nodes of a list and a map.
constexpr size_t kGroupBytes = 192;

HitPart part_of(const Hit& hit) {
  return {.id = hit.id,
          .rule = hit.rule,
          .time_ns = hit.event->time_ns,
          .order_ns = hit.event->order_ns(),
          .event = hit.event};
}

bool takes_number(CorrelationType type) {
  return type == CorrelationType::kValueSum || type == CorrelationType::kValueAvg ||
         type == CorrelationType::kValuePercentile;
}

std::optional<long double> number_of_source(const GroupSource& source, const Hit& hit) {
  const FieldView view = source.is_group()
                             ? FieldView{.type = Type::kText, .text = hit.group[source.group].value}
                             : hit.event->find(source.field);
  const auto number = number_of(view);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::string value_text(const GroupSource& source, const Hit& hit) {
  return source.is_group() ? hit.group[source.group].value : group_text(*hit.event, source.field);
}

std::vector<GroupValue> group_of(const CompiledCorrelation& correlation, uint32_t input, const Hit& hit) {
  const auto& fields = correlation.rule->correlation->group_by;
  const auto& sources = correlation.inputs[input].group;
  std::vector<GroupValue> group;
  for (size_t i = 0; i < fields.size(); ++i)
    group.push_back({.field = fields[i], .value = value_text(sources[i], hit)});
  return group;
}

}  // namespace

bool append_source(const GroupSource& source, const Hit& hit, Sha256Hasher& hasher, std::string& key) {
  if (!source.is_group()) return append_key(*hit.event, source.field, hasher, key);
  append_key(hit.group[source.group].value, hasher, key);
  return true;
}

Correlator::Correlator(std::shared_ptr<const RuleSet> rules, Options options) : options_(options) {
  reload(std::move(rules));
}

void Correlator::reload(std::shared_ptr<const RuleSet> rules) {
  std::map<Sha256, State> before;
  for (State& state : states_) before.emplace(state.digest, std::move(state));
  rules_ = std::move(rules);
  states_.clear();
  started_ = true;
  bytes_ = 0;
  for (const CompiledCorrelation& correlation : rules_->correlations()) {
    const auto kept = before.find(correlation.digest);
    State& state = states_.emplace_back();
    if (kept != before.end()) {
      state = std::move(kept->second);
    } else {
      state.digest = correlation.digest;
      state.rule = correlation.rule;
    }
    bytes_ += state.bytes;
    started_ = started_ && state.start_ns.has_value();
  }
}

void Correlator::start(int64_t order_ns) {
  started_ = true;
  for (State& state : states_) {
    if (!state.start_ns) state.start_ns = order_ns;
  }
}

void Correlator::conclude(std::span<const uint32_t> held, const Sha256& event_key, std::vector<Hit>& hits,
                          std::vector<uint32_t>& correlations) {
  std::map<uint32_t, std::vector<Arrival>> waiting;  // by correlation: each stands behind those it names
  for (size_t i = 0; i < held.size(); ++i) {
    for (const Feed& feed : rules_->feeds_of_rule(held[i]))
      waiting[feed.correlation].push_back({.input = feed.input, .hit = i});
  }
  if (waiting.empty()) return;
  event_key_ = &event_key;
  while (!waiting.empty()) {
    auto next = waiting.extract(waiting.begin());
    const size_t before = hits.size();
    correlate(next.key(), next.mapped(), hits);
    for (size_t i = before; i < hits.size(); ++i) {
      correlations.push_back(next.key());
      for (const Feed& feed : rules_->feeds_of_correlation(next.key()))
        waiting[feed.correlation].push_back({.input = feed.input, .hit = i});
    }
  }
  event_key_ = nullptr;
  shrink();
  counters_.peak_bytes = std::max<uint64_t>(counters_.peak_bytes, bytes_);
}

void Correlator::correlate(uint32_t index, std::vector<Arrival>& arrivals, std::vector<Hit>& hits) {
  const CompiledCorrelation& correlation = rules_->correlations()[index];
  State& state = states_[index];
  const CorrelationType type = correlation.rule->correlation->type;
  // An event is not its own predecessor: what comes later in the order is shown first.
  const bool backwards = type == CorrelationType::kTemporalOrdered;
  std::stable_sort(arrivals.begin(), arrivals.end(), [backwards](const Arrival& a, const Arrival& b) {
    return backwards ? a.input > b.input : a.input < b.input;
  });
  std::vector<Hit> found;
  std::vector<Touched> touched;
  expire(state, hits[arrivals.front().hit].event->order_ns());
  for (const Arrival& arrival : arrivals) {
    if (type == CorrelationType::kNewTerms) {
      conclude_new_term(index, arrival, hits, found);
    } else {
      add(index, arrival, hits, touched);
    }
  }
  for (const Touched& touch : touched) {
    if (!touch.group->window->holds()) continue;
    Hit& hit = found.emplace_back(make_hit(index, touch.group->key, touch.first, hits));
    touch.group->window->append_parts(hit);
  }
  for (Hit& hit : found) hits.push_back(std::move(hit));
}

void Correlator::add(uint32_t index, const Arrival& arrival, const std::vector<Hit>& hits,
                     std::vector<Touched>& touched) {
  const CorrelationInput& input = rules_->correlations()[index].inputs[arrival.input];
  State& state = states_[index];
  const Correlation& correlation = *state.rule->correlation;
  const Hit& hit = hits[arrival.hit];
  key_.clear();
  if (!append_values(input.group, hit, key_)) return;
  WindowEvent event{.part = part_of(hit), .input = arrival.input, .value = {}, .number = 0};
  if (takes_number(correlation.type)) {
    const auto number = number_of_source(input.values.front(), hit);
    if (!number) return;
    event.number = *number;
  } else if (!append_values(input.values, hit, event.value)) {
    return;
  }
  const auto group = find_or_add_group(state, key_);
  auto touch =
      std::find_if(touched.begin(), touched.end(), [&](const Touched& t) { return t.group == group; });
  if (touch != touched.end()) {
    // Several hits of one rule at an event, as a chained correlation may have, count once.
    if (std::find(touch->inputs.begin(), touch->inputs.end(), arrival.input) != touch->inputs.end()) return;
  }
  const uint64_t pushed_out = group->window->pushed_out();
  const bool added = group->window->add(std::move(event));
  counters_.evicted_events += group->window->pushed_out() - pushed_out;
  account(state, *group);
  if (!added) return;
  if (touch == touched.end()) touch = touched.insert(touched.end(), Touched{group, arrival, {}});
  touch->inputs.push_back(arrival.input);
}

bool Correlator::append_values(const std::vector<GroupSource>& sources, const Hit& hit, std::string& key) {
  return std::all_of(sources.begin(), sources.end(),
                     [&](const GroupSource& source) { return append_source(source, hit, hasher_, key); });
}

Correlator::Groups::iterator Correlator::find_or_add_group(State& state, std::string_view key) {
  const auto known = state.by_key.find(key);
  if (known != state.by_key.end()) {
    state.groups.splice(state.groups.begin(), state.groups, known->second);
    return known->second;
  }
  Group& group = state.groups.emplace_front();
  group.key = key;
  group.window = make_window(*state.rule->correlation);
  state.by_key.emplace(group.key, state.groups.begin());
  account(state, group);
  return state.groups.begin();
}

std::string_view Correlator::term_of_key() {
  hasher_.add(key_);
  term_ = hasher_.finish();
  return std::string_view(reinterpret_cast<const char*>(term_.data()), sizeof(SeenTerm));
}

std::vector<TermHistory> Correlator::history() const {
  std::vector<TermHistory> histories;
  for (const State& state : states_) {
    if (state.rule->correlation->type != CorrelationType::kNewTerms || !state.start_ns) continue;
    TermHistory& history = histories.emplace_back();
    history.digest = state.digest;
    history.start_ns = *state.start_ns;
    history.terms.reserve(state.groups.size());
    for (auto group = state.groups.rbegin(); group != state.groups.rend(); ++group)
      std::copy_n(group->key.begin(), sizeof(SeenTerm), history.terms.emplace_back().begin());
  }
  return histories;
}

void Correlator::learn(std::span<const TermHistory> histories) {
  for (const TermHistory& history : histories) {
    const auto state = std::find_if(states_.begin(), states_.end(), [&](const State& one) {
      return one.digest == history.digest && one.rule->correlation->type == CorrelationType::kNewTerms;
    });
    if (state == states_.end()) continue;
    state->start_ns = std::min(history.start_ns, state->start_ns.value_or(history.start_ns));
    // What this run has seen is newer.
    std::vector<std::string> own;
    for (auto group = state->groups.rbegin(); group != state->groups.rend(); ++group)
      own.push_back(group->key);
    for (const SeenTerm& term : history.terms)
      find_or_add_group(*state, {reinterpret_cast<const char*>(term.data()), term.size()});
    for (const std::string& term : own) find_or_add_group(*state, term);
  }
  shrink();
}

void Correlator::conclude_new_term(uint32_t index, const Arrival& arrival, const std::vector<Hit>& hits,
                                   std::vector<Hit>& found) {
  const CorrelationInput& input = rules_->correlations()[index].inputs[arrival.input];
  State& state = states_[index];
  const Hit& hit = hits[arrival.hit];
  key_.clear();
  if (!append_values(input.group, hit, key_)) return;
  const size_t known = state.groups.size();
  find_or_add_group(state, term_of_key());
  if (state.groups.size() == known) return;
  int64_t learned_ns = 0;
  const bool for_ages =
      __builtin_sub_overflow(hit.event->order_ns(), state.start_ns.value_or(0), &learned_ns);
  const bool learned = learned_ns >= state.rule->correlation->learn_ns.value_or(kDefaultLearnNs);
  if (for_ages ? hit.event->order_ns() < 0 : !learned) return;
  Hit& made = found.emplace_back(make_hit(index, key_, arrival, hits));
  made.parts.push_back(part_of(hit));
}

std::optional<Correlator::Look> Correlator::look(uint32_t index, uint32_t input, const Hit& hit) {
  const CompiledCorrelation& correlation = rules_->correlations()[index];
  const std::vector<GroupSource>& sources = correlation.inputs[input].group;
  State& state = states_[index];
  key_.clear();
  if (!append_values(sources, hit, key_)) return std::nullopt;
  Look look;
  look.group = group_of(correlation, input, hit);
  look.key = key_;
  const bool is_new_terms = state.rule->correlation->type == CorrelationType::kNewTerms;
  const auto known = state.by_key.find(is_new_terms ? term_of_key() : std::string_view(key_));
  look.known = known != state.by_key.end();
  if (look.known && known->second->window) look.measure = known->second->window->measure();
  int64_t until_ns = 0;
  if (is_new_terms && state.start_ns &&
      !__builtin_add_overflow(*state.start_ns, state.rule->correlation->learn_ns.value_or(kDefaultLearnNs),
                              &until_ns))
    look.learns_until_ns = until_ns;
  return look;
}

// Of what completed it: the event and, for each field of `group-by`, its value there.
Hit Correlator::make_hit(uint32_t index, const std::string& key, const Arrival& arrival,
                         const std::vector<Hit>& hits) {
  const CompiledCorrelation& correlation = rules_->correlations()[index];
  const Hit& completing = hits[arrival.hit];
  Hit hit;
  hit.rule = correlation.rule;
  hit.event = completing.event;
  hit.first_ns = hit.last_ns = completing.event->time_ns;
  hit.group = group_of(correlation, arrival.input, completing);
  hasher_.add_part(hit.rule->id);
  hasher_.add(std::string_view(reinterpret_cast<const char*>(event_key_->data()), event_key_->size()));
  hasher_.add_part(key);
  const Sha256 digest = hasher_.finish();
  std::copy_n(digest.begin(), hit.id.size(), hit.id.begin());
  return hit;
}

void Correlator::account(State& state, Group& group) {
  const size_t now = kGroupBytes + group.key.size() + (group.window ? group.window->bytes() : 0);
  state.bytes += now - group.bytes;
  bytes_ += now - group.bytes;
  group.bytes = now;
}

// Groups whose window has passed are nothing to remember. Those at the end of the list, that is: the others
// follow.
void Correlator::expire(State& state, int64_t now_ns) {
  const int64_t span_ns = state.rule->correlation->timespan_ns;
  if (span_ns == 0) return;
  while (!state.groups.empty()) {
    int64_t age_ns = 0;
    const bool beyond = __builtin_sub_overflow(now_ns, state.groups.back().window->newest_ns(), &age_ns);
    if (beyond ? now_ns < 0 : age_ns <= span_ns) return;
    drop_oldest(state);
  }
}

void Correlator::drop_oldest(State& state) {
  Group& group = state.groups.back();
  state.bytes -= group.bytes;
  bytes_ -= group.bytes;
  state.by_key.erase(group.key);
  state.groups.pop_back();
}

void Correlator::shrink() {
  for (State& state : states_) {
    while (state.groups.size() > options_.max_groups) {
      drop_oldest(state);
      ++counters_.evicted_groups;
    }
  }
  while (bytes_ > options_.memory_bytes) {
    const auto largest = std::max_element(states_.begin(), states_.end(),
                                          [](const State& a, const State& b) { return a.bytes < b.bytes; });
    if (largest->groups.empty()) return;
    drop_oldest(*largest);
    ++counters_.evicted_groups;
  }
}

Correlator::Counters Correlator::counters() const {
  Counters counters = counters_;
  for (const State& state : states_) counters.groups += state.groups.size();
  counters.bytes = bytes_;
  return counters;
}

}  // namespace detectd
