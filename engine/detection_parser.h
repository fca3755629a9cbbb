// The `detection` table of a rule or filter.
#pragma once

#include <optional>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// Nothing where it has a mistake; all of them are reported, unused selections as warnings. At most 1,000
// selections and 100 conditions.
std::optional<Detection> parse_detection(Reporter& reporter, const TomlMember& member);

}  // namespace detectd
