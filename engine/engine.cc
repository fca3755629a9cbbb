#include "engine/engine.h"

#include <algorithm>

#include "engine/event_order.h"
#include "engine/matcher.h"

namespace detectd {

Engine::Engine(std::shared_ptr<const RuleSet> rules, Options options)
    : rules_(std::move(rules)),
      order_(std::make_unique<EventOrder>()),
      table_({.max_processes = options.max_processes}),
      selection_(options.selection) {}

Engine::~Engine() = default;

void Engine::observe(Event& event, std::vector<Event>& ready) {
  const size_t first = ready.size();
  order_->push(event, ready);
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
    event.repetition = repetitions_.count(event);
    table_.apply(event);
    if (!event.silent) ++events_;
  }
}

void Engine::match(const Event& event, Matcher& matcher, std::vector<uint32_t>& held) const {
  matcher.match(event, held);
}

void Engine::conclude(const Event& event, std::span<const uint32_t> held, std::vector<Hit>& hits) {
  if (held.empty()) return;
  const Sha256 key = event_key(hasher_, event);
  std::shared_ptr<const Event> kept;  // a copy, made for the first hit that is handed out
  for (const uint32_t index : held) {
    const std::shared_ptr<const Rule>& rule = rules_->rules()[index].rule;
    hasher_.add_part(rule->id);
    hasher_.add(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
    const Sha256 digest = hasher_.finish();
    HitId id{};
    std::copy_n(digest.begin(), id.size(), id.begin());
    ++hits_;
    if (!rule->name.starts_with("detectd.")) digest_.add(id);
    if (!selection_.has(rule->level, event.time_ns)) {
      ++hits_left_out_;
      continue;
    }
    if (!kept) kept = std::make_shared<const Event>(event);
    Hit& hit = hits.emplace_back();
    hit.id = id;
    hit.rule = rule;
    hit.event = kept;
    hit.first_ns = hit.last_ns = event.time_ns;
  }
}

Engine::Counters Engine::counters() const {
  return {.events = events_,
          .hits = hits_,
          .hits_left_out = hits_left_out_,
          .id_changes_hurried = order_->overflows(),
          .processes = table_.counters()};
}

}  // namespace detectd
