// Why a rule holds or does not, for people and for programs.
#pragma once

#include <string>

#include "engine/why.h"
#include "src/detectctl/judged_event.h"

namespace detectd {

// The rule, the event, the answer in a sentence, and the tree of the condition. `digest` is the rule's; `columns`: 0
// where nothing need be cut.
std::string why_text(const RuleWhy& why, const Sha256& digest, const JudgedEvent& judged, bool reported_alone,
                     size_t columns);
// An object on one line.
std::string why_json(const RuleWhy& why, const JudgedEvent& judged, bool reported_alone);

// Parts of it: the rule and the event; what became of a rule that holds; what is known of a stored hit, a line.
std::string heading_text(const Rule& rule, const JudgedEvent& judged);
std::string reported_text(const JudgedEvent& judged, bool reported_alone);
std::string stored_text(const Rule& rule, const Sha256& digest, bool holds, const JudgedEvent& judged);

// Of an item: `process.name|endswith = "sh"`. Of long lists the begin.
std::string item_text(const ItemWhy& why);
// What the event says of it: `bash`, absent, null.
std::string said_text(const ItemWhy& why, size_t max_columns);

}  // namespace detectd
