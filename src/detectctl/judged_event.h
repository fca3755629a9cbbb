// One event of a capture, with all that came before it: as the engine judges it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/event.h"
#include "engine/result.h"
#include "engine/rule_set.h"

namespace detectd {

// `capture.jsonl:17`; `-` is the last event of standard input.
struct EventPlace {
  std::string path;
  uint64_t line = 0;  // 0: the last
};
// Nothing for a word that does not look like one.
std::optional<EventPlace> parse_event_place(std::string_view word);

struct JudgedEvent {
  std::string place;  // escaped
  Event event;        // with its lineage
  // What a rule has reported: at this event, or last before it.
  struct Reported {
    std::string place;
    bool now = false;
  };
  std::map<const Rule*, Reported> reported;
};

// Reads the capture up to that event. Errc::kInput where the line has none, or is broken: what is wrong has been
// told.
Result<JudgedEvent> judge_event(const EventPlace& place, const std::shared_ptr<const RuleSet>& rules);

}  // namespace detectd
