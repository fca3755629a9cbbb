// What makes an event this event, in every run over the same capture: `event_key` of RULES.md.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/digest.h"
#include "engine/event.h"
#include "engine/key_counts.h"

namespace detectd {

// `host.id`, else `host.name`, else what the capture's header says; empty where nobody does.
std::string_view host_of(const Event& event);
// What a capture's header says of it.
std::string_view host_of(const CaptureHost& host);

// SHA-256 over host, boot id, time, kind, pid, target's pid, sequence and event.repetition.
Sha256 event_key(Sha256Hasher& hasher, const Event& event);

// Numbers events that are equal in all the rest of their key. Remembers one to two seconds of event
// time, and at most kMaxKeys of them: events that are equal stand close together.
class RepetitionCounter {
 public:
  static constexpr size_t kMaxKeys = 1 << 20;

  // How many equal events came before; counts this one.
  uint32_t count(const Event& event);

 private:
  KeyCounts current_, before_;
  int64_t since_ns_ = 0;
};

}  // namespace detectd
