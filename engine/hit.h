// A rule that held for an event.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/event.h"
#include "engine/rule.h"

namespace detectd {

// The first 128 bits of SHA-256(rule id, event_key): the same event and rule give the same id in
// every run, so storing a hit twice adds nothing.
using HitId = std::array<uint8_t, 16>;
std::string to_string(const HitId& id);  // 32 hexadecimal digits

// Self-contained: may be queued, stored and shown after the engine has gone on.
struct Hit {
  HitId id{};
  std::shared_ptr<const Rule> rule;
  std::shared_ptr<const Event> event;  // with its lineage: event->process, ->parent, ...
};

}  // namespace detectd
