// What rules, correlations and filters say to people: author, dates, references and the like.
#pragma once

#include <string_view>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// The prose of a table, whatever is missing of it; mistakes are reported.
Prose parse_prose(Reporter& reporter, const TomlValue& table);

// 2026-11-20 or 2026/11/20.
bool is_date(std::string_view text);

}  // namespace detectd
