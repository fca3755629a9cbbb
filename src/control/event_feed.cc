#include "src/control/event_feed.h"

#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

constexpr size_t kMaxTextBytes = 1024;

void append_event(const Event& event, JsonWriter& json) {
  json.member("kind", to_string(event.kind));
  const FieldView pid = event.find(process_field(Leaf::kPid));
  if (pid.type == Type::kInteger) json.member_number("pid", pid.number);
  json.member("process", lineage_text(event));
  json.member("user", user_text(event));
}

void begin(std::string_view type, int64_t time_ns, JsonWriter& json) {
  json.begin_object();
  json.member("type", type);
  json.member("@timestamp", format_rfc3339(time_ns));
}

}  // namespace

void EventFeed::want(KindSet kinds, bool hits) {
  uint32_t bits = hits ? kHits : 0;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    if (kinds.has(EventKind(i))) bits |= 1u << i;
  }
  kinds_.store(bits, std::memory_order_relaxed);
}

bool EventFeed::has_time() {
  const int64_t second = steady_clock_ns() / kNanosPerSecond;
  if (second != second_) {
    second_ = second;
    shown_ = 0;
  }
  if (++shown_ <= kMaxPerSecond) return true;
  missed_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void EventFeed::show(const Event& event) {
  if (!wants(1u << static_cast<unsigned>(event.kind)) || event.silent || !has_time()) return;
  JsonWriter json;
  begin("event", event.time_ns, json);
  append_event(event, json);
  std::string text = command_text(event, kMaxTextBytes);
  const std::string kind = std::string(to_string(event.kind)) + ": ";
  if (text.starts_with(kind)) text.erase(0, kind.size());
  json.member("text", text);
  json.end_object();
  line_ = {.kind = event.kind, .is_hit = false, .json = json.text() + "\n"};
  push();
}

void EventFeed::show(const Hit& hit) {
  if (!wants(kHits) || !has_time()) return;
  JsonWriter json;
  begin("hit", hit.event->time_ns, json);
  json.member("id", to_string(hit.id));
  json.member("rule", rule_text(*hit.rule));
  json.member("level", to_string(hit.rule->level));
  append_event(*hit.event, json);
  json.member("text", hit_text(hit, kMaxTextBytes));
  if (!hit.response_outcome.empty()) json.member("outcome", hit.response_outcome);
  json.end_object();
  line_ = {.kind = hit.event->kind, .is_hit = true, .json = json.text() + "\n"};
  push();
}

void EventFeed::push() {
  if (!queue_.push(line_)) missed_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace detectd
