// One event with all that came before it, as the engine judges it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/correlation_why.h"
#include "engine/event.h"
#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/store/hit_reader.h"

namespace detectd {

// `capture.jsonl:17`; `-`, the last event of standard input; a stored hit by its number or its id.
struct EventWord {
  std::string path;
  uint64_t line = 0;  // 0: the last
  std::string hit;    // then there is no path
};
// Nothing for a word that does not look like one.
std::optional<EventWord> parse_event_word(std::string_view word);

struct EventQuestion {
  EventWord event;
  std::string db;               // where hits are stored
  std::vector<std::string> on;  // captures of what came before
  // Whose hits are followed up to the event: indices into the rule set.
  std::optional<uint32_t> rule = {};
  std::optional<uint32_t> correlation = {};
};

struct JudgedEvent {
  std::string place;  // escaped
  Event event;        // with its lineage
  // What the rule that is asked about, or the correlation, has reported: at this event, or before it for the same
  // window of its `suppress`.
  struct Reported {
    std::string place;
    bool now = false;
  };
  std::optional<Reported> reported;
  std::optional<CorrelationWhy> correlation;
  bool alone = false;  // nothing is known of what came before
  // Of a stored hit, and what a correlation's was made of.
  std::optional<StoredHit> stored;
  std::vector<StoredPart> parts;
  static constexpr size_t kMaxParts = 20;
};

// Reads the captures up to that event. Errc::kInput where there is no such event, or it is broken. What is wrong has
// been told.
Result<JudgedEvent> judge_event(const EventQuestion& question, const std::shared_ptr<const RuleSet>& rules);

}  // namespace detectd
