// One `[[rule]]` table.
#pragma once

#include <optional>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// Nothing where the rule has a mistake; all of them are reported.
std::optional<Rule> parse_rule_table(Reporter& reporter, const TomlValue& table);

}  // namespace detectd
