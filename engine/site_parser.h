// `[[filter]]` and `[[override]]`: a site's word on rules that somebody else wrote.
#pragma once

#include <optional>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

// Nothing where the table has a mistake; all of them are reported.
std::optional<Filter> parse_filter_table(Reporter& reporter, const TomlValue& table);
std::optional<Override> parse_override_table(Reporter& reporter, const TomlValue& table);

}  // namespace detectd
