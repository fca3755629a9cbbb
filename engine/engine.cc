#include "engine/engine.h"

#include <algorithm>

#include "engine/event_order.h"
#include "engine/matcher.h"

namespace detectd {

Engine::Engine(std::shared_ptr<const RuleSet> rules, Options options)
    : rules_(std::move(rules)),
      order_(std::make_unique<EventOrder>()),
      table_({.max_processes = options.max_processes}) {}

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
  const auto kept = std::make_shared<const Event>(event);
  for (const uint32_t index : held) {
    Hit& hit = hits.emplace_back();
    hit.rule = rules_->rules()[index].rule;
    hit.event = kept;
    hit.first_ns = hit.last_ns = event.time_ns;
    hasher_.add_part(hit.rule->id);
    hasher_.add(std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
    const Sha256 digest = hasher_.finish();
    std::copy_n(digest.begin(), hit.id.size(), hit.id.begin());
    ++hits_;
    if (!hit.rule->name.starts_with("detectd.")) hit_ids_.push_back(hit.id);
  }
}

Engine::Counters Engine::counters() const {
  return {.events = events_, .hits = hits_, .processes = table_.counters()};
}

Sha256 Engine::hits_digest() const {
  std::vector<HitId> sorted = hit_ids_;
  std::sort(sorted.begin(), sorted.end());
  Sha256Hasher hasher;
  for (const HitId& id : sorted) {
    hasher.add(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
  }
  return hasher.finish();
}

}  // namespace detectd
