// Whom a response is aimed at, as events told of it, and whether a pidfd means just that process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/event.h"
#include "engine/hit.h"
#include "src/respond/grip_ring.h"
#include "src/respond/process_view.h"

namespace detectd {

struct Aim {
  uint32_t pid = 0;
  int64_t moment_boot_ns = 0;  // when it had this pid for sure
  // What is known of its start: as it was read, else when its fork was told.
  std::optional<uint64_t> start_ticks;
  std::optional<int64_t> birth_boot_ns;
  std::optional<FileKey> file;           // of its executable then
  std::optional<int64_t> boot_shift_ns;  // Event::order_ns - CLOCK_BOOTTIME
  bool held = false;                     // a hold is looked for: it is the event's own process
};

// The event that has the target, a correlation's included; null where it was not kept.
std::shared_ptr<const Event> event_of_target(const Hit& hit);
// The rule that held for that event; null where it is a correlation itself.
std::shared_ptr<const Rule> rule_of_target(const Hit& hit);
// Nothing where the event does not say who it is.
std::optional<Aim> aim_at(const Event& event, bool parent);

// A moment of the events' own scale (Event::order_ns) on the clock of the kernel's start times.
std::optional<int64_t> boot_ns_of(const Event& event, int64_t order_ns);

// What else is known of the process that has the pid now.
struct Evidence {
  const HeldProcess* held = nullptr;  // may be null
  bool has_later_exec = false;
  bool is_proven = false;  // to be the process meant; not, that it runs the same program
};

// Nothing: the process of `pidfd` is the one aimed at, running the same program. Else what is the case: `gone`,
// `superseded`, `refused: identity`. `facts` were read of the pid behind the opening of `pidfd`, whose process was
// found to live behind that.
std::optional<std::string_view> mismatch(const Aim& aim, const ProcessFacts& facts, const Evidence& evidence);

}  // namespace detectd
