// A rule that held for an event.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/rule.h"

namespace detectd {

// The first 128 bits of SHA-256(rule id, event_key), for a correlation with its group: the same event and
// rule give the same id in every run, so storing a hit twice adds nothing.
using HitId = std::array<uint8_t, 16>;
std::string to_string(const HitId& id);  // 32 hexadecimal digits

// One of the hits that a correlation's hit was made of, whether it was reported by itself or not.
struct HitPart {
  HitId id{};
  std::shared_ptr<const Rule> rule;
  int64_t time_ns = 0;
  int64_t order_ns = 0;                // Event::order_ns()
  std::shared_ptr<const Event> event;  // null where a large window no longer keeps it
};

// What a correlation's events have in common: `user.name` is `bob`.
struct GroupValue {
  std::string field;  // as in `group-by`
  std::string value;  // elements of a list are separated by blanks
};

// Self-contained: may be queued, stored and shown after the engine has gone on.
struct Hit {
  HitId id{};
  std::shared_ptr<const Rule> rule;
  // With its lineage: event->process, ->parent, ... Of a correlation: the event at which it held.
  std::shared_ptr<const Event> event;

  // A correlation's.
  std::vector<HitPart> parts;   // in order of time; the newest kMaxHitParts
  uint64_t parts_left_out = 0;  // older ones
  std::vector<GroupValue> group;

  // A fold tells, when the window of `suppress` closes, how often the hit of this id, which was reported
  // at once, came again: `count` is 1 and those repeats.
  bool fold = false;
  uint64_t count = 1;
  int64_t first_ns = 0;  // of the first and the last of them
  int64_t last_ns = 0;

  // What became of the response (response_outcome.h); empty: nobody was there to carry it out.
  std::string response_outcome = {};
};
// What is shown and stored then.
inline constexpr std::string_view kNobodyResponds = "replay";
inline constexpr size_t kMaxHitParts = 100;

// Which hits somebody wants to see or keep.
struct HitSelection {
  Level min_level = Level::kInformational;
  std::optional<int64_t> from_ns = std::nullopt;
  std::optional<int64_t> to_ns = std::nullopt;  // itself excluded

  bool has(Level level, int64_t time_ns) const {
    return level >= min_level && (!from_ns || time_ns >= *from_ns) && (!to_ns || time_ns < *to_ns);
  }
};

}  // namespace detectd
