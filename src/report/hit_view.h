// A hit in the few words that a person reads first; everything escaped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/hit.h"

namespace detectd {

// `nginx(812) > sh(9921)`; for ptrace ` -> sshd(77)` behind it; empty if the event has no process.
std::string lineage_text(const Event& event);
// `www-data`, else the id; where the effective user changed, `1000 > root`; empty if unknown.
std::string user_text(const Event& event);
// The command line; for an event without one, what the event is about. At most `max_bytes` of it, and then
// how much is missing.
std::string command_text(const Event& event, size_t max_bytes);
// What stands in a hit's line behind who did it: command_text(); of a correlation with its group and how many
// hits it was made of; of a fold how often it came again.
std::string hit_text(const Hit& hit, size_t max_bytes);
// The rule's name, else its title.
std::string rule_text(const Rule& rule);

// `text` (escaped) in exactly `columns`: padded with blanks, or cut with an ellipsis. No character is cut apart.
std::string fit(std::string_view text, size_t columns);
// Cut only.
std::string cut(std::string_view text, size_t columns);
// 1204331 as `1,204,331`.
std::string with_separators(uint64_t number);

}  // namespace detectd
