#include "engine/event_key.h"

#include <functional>
#include <utility>

#include "engine/timestamp.h"

namespace detectd {
namespace {

int64_t carried_number(const Event& event, FieldId id) { return event.find_carried(id).number; }

uint64_t mix(uint64_t hash, uint64_t value) {
  hash ^= value + 0x9E37'79B9'7F4A'7C15ULL + (hash << 6) + (hash >> 2);
  return hash * 0xFF51'AFD7'ED55'8CCDULL;
}

uint64_t hash_of(const Event& event) {
  uint64_t hash = std::hash<std::string_view>{}(host_of(event));
  if (event.host) hash = mix(hash, std::hash<std::string_view>{}(event.host->boot_id));
  hash = mix(hash, static_cast<uint64_t>(event.time_ns));
  hash = mix(hash, static_cast<uint64_t>(event.kind));
  hash = mix(hash, static_cast<uint64_t>(carried_number(event, process_field(Leaf::kPid))));
  hash = mix(hash, static_cast<uint64_t>(carried_number(event, target_field(Leaf::kPid))));
  return mix(hash, event.sequence);
}

}  // namespace

std::string_view host_of(const Event& event) {
  for (const FieldId id : {field::kHostId, field::kHostName}) {
    const FieldView view = event.find_carried(id);
    if (view.has_value()) return view.text;
  }
  return event.host ? host_of(*event.host) : std::string_view();
}

std::string_view host_of(const CaptureHost& host) { return host.id.empty() ? host.name : host.id; }

Sha256 event_key(Sha256Hasher& hasher, const Event& event) {
  hasher.add_part(host_of(event));
  hasher.add_part(event.host ? std::string_view(event.host->boot_id) : std::string_view());
  hasher.add_number(event.time_ns);
  hasher.add_part(to_string(event.kind));
  hasher.add_number(carried_number(event, process_field(Leaf::kPid)));
  hasher.add_number(carried_number(event, target_field(Leaf::kPid)));
  hasher.add_number(static_cast<int64_t>(event.sequence));
  hasher.add_number(event.repetition);
  return hasher.finish();
}

uint32_t RepetitionCounter::count(const Event& event) {
  const uint64_t key = hash_of(event);
  const int64_t order_ns = event.order_ns();
  const bool time_has_passed =
      order_ns > since_ns_ + kNanosPerSecond || order_ns < since_ns_ - kNanosPerSecond;
  if (time_has_passed || current_.size() >= kMaxKeys) {
    std::swap(before_, current_);
    current_.clear();
    since_ns_ = order_ns;
  }
  uint32_t& seen = current_[key];
  if (seen == 0) seen = before_.find(key);
  return seen++;
}

}  // namespace detectd
