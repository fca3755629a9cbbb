// One `[[rule]]` table, and those tables that a later version evaluates.
#pragma once

#include <optional>
#include <string_view>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// Nothing where the rule has a mistake; all of them are reported.
std::optional<Rule> parse_rule_table(Reporter& reporter, const TomlValue& table);

// `kind` is correlation, filter or override: checked for what can be checked, then refused (D029).
void refuse_later_table(Reporter& reporter, std::string_view kind, const TomlValue& table);

}  // namespace detectd
