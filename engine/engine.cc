#include "engine/engine.h"

#include <algorithm>
#include <numeric>

#include "engine/event_order.h"
#include "engine/matcher.h"
#include "engine/missing_fields.h"
#include "engine/process_snapshot.h"

namespace detectd {

Engine::Engine(std::shared_ptr<const RuleSet> rules, Options options)
    : rules_(std::move(rules)),
      order_(std::make_unique<EventOrder>()),
      number_events_(options.number_events),
      table_({.max_processes = options.max_processes}),
      selection_(options.selection),
      correlator_(rules_, options.correlator),
      suppressor_(options.suppressor),
      report_silent_(options.report_silent) {}

Engine::~Engine() = default;

void Engine::observe(Event& event, std::vector<Event>& ready) {
  const size_t first = ready.size();
  order_->push(event, ready);
  admit(ready, first);
}

void Engine::advance(const Moment& moment, std::vector<Event>& ready) {
  const size_t first = ready.size();
  order_->advance(moment, ready);
  admit(ready, first);
}

void Engine::flush(std::vector<Event>& ready) {
  const size_t first = ready.size();
  order_->flush(ready);
  admit(ready, first);
}

void Engine::admit(std::vector<Event>& ready, size_t first) {
  for (size_t i = first; i < ready.size(); ++i) {
    Event& event = ready[i];
    clock_.stamp(event);
    if (number_events_) number(event);
    event.repetition = repetitions_.count(event);
    table_.apply(event);
    settle_missing(event);
    if (!event.silent) ++events_;
  }
}

void Engine::number(Event& event) {
  event.sequence = ++sequence_;
  if (rules_->schema().wanted(field::kSequence))
    event.set_integer(field::kSequence, static_cast<int64_t>(event.sequence));
}

void Engine::match(const Event& event, Matcher& matcher, std::vector<uint32_t>& held) const {
  matcher.match(event, held);
}

void Engine::conclude(const Event& event, std::span<const uint32_t> held, std::vector<Hit>& hits) {
  if (event.silent) return;
  if (event.has_time) correlator_.observe(event.order_ns());
  suppressor_.advance(event.order_ns(), hits);
  if (!held.empty()) report(event, held, hits);
}

void Engine::report(const Event& event, std::span<const uint32_t> held, std::vector<Hit>& hits) {
  const Sha256 key = event_key(hasher_, event);
  // A copy, made where somebody is to have it, who may complete it.
  std::shared_ptr<const Event> kept;
  if (std::any_of(held.begin(), held.end(), [&](uint32_t rule) { return is_wanted(event, rule); }))
    kept = std::make_shared<Event>(event);
  std::vector<Hit> found;
  for (const uint32_t index : held) {
    Hit& hit = found.emplace_back();
    hit.rule = rules_->rules()[index].rule;
    hit.event = kept;
    hit.first_ns = hit.last_ns = event.time_ns;
    hasher_.add_part(hit.rule->id);
    hasher_.add(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
    const Sha256 digest = hasher_.finish();
    std::copy_n(digest.begin(), hit.id.size(), hit.id.begin());
  }
  std::vector<uint32_t> correlations;
  correlator_.conclude(held, key, found, correlations);

  // By rule id: rules come so, correlations by their dependence.
  std::vector<size_t> order(found.size());
  std::iota(order.begin(), order.end(), size_t{0});
  if (!correlations.empty()) {
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return found[a].rule->id < found[b].rule->id; });
  }
  for (const size_t i : order) {
    const bool of_rule = i < held.size();
    const uint32_t index = of_rule ? held[i] : correlations[i - held.size()];
    const bool silent = of_rule ? rules_->rules()[index].silent : rules_->correlations()[index].silent;
    if (silent && !report_silent_) continue;
    const CompiledSuppress& suppress =
        of_rule ? rules_->rules()[index].suppress : rules_->correlations()[index].suppress;
    report(std::move(found[i]), event.time_ns, suppress, hits);
  }
}

bool Engine::is_wanted(const Event& event, uint32_t rule) const {
  const CompiledRule& compiled = rules_->rules()[rule];
  return !rules_->feeds_of_rule(rule).empty() || selection_.has(compiled.rule->level, event.time_ns);
}

void Engine::report(Hit hit, int64_t time_ns, const CompiledSuppress& suppress, std::vector<Hit>& hits) {
  ++hits_;
  if (!hit.rule->name.starts_with("detectd.")) digest_.add(hit.id);
  if (!selection_.has(hit.rule->level, time_ns)) {
    ++hits_left_out_;
  } else if (suppressor_.admit(hit, suppress, hits)) {
    hits.push_back(std::move(hit));
  }
}

void Engine::settle(const Moment& moment, std::vector<Hit>& folds) {
  // An id change that waits may be from before the moment.
  int64_t order_ns = 0;
  if (!__builtin_sub_overflow(clock_.order_ns(moment), EventOrder::kWaitNs, &order_ns))
    suppressor_.advance(order_ns, folds);
}

void Engine::finish(std::vector<Hit>& folds) { suppressor_.flush(folds); }

void Engine::visit_running(const std::function<void(Event&)>& visit) const {
  visit_as_running(table_.running(), visit);
}

void Engine::reload(std::shared_ptr<const RuleSet> rules) {
  rules_ = std::move(rules);
  correlator_.reload(rules_);
}

Engine::Counters Engine::counters() const {
  return {.events = events_,
          .hits = hits_,
          .hits_left_out = hits_left_out_,
          .id_changes_hurried = order_->overflows(),
          .processes = table_.counters(),
          .correlator = correlator_.counters(),
          .suppressor = suppressor_.counters()};
}

}  // namespace detectd
