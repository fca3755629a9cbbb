// TOML text to rules and diagnostics; the only file of the engine that sees toml++. The language is
// described in detectd-rules(5).
#pragma once

#include <optional>
#include <string_view>

#include "engine/diagnostic.h"
#include "engine/rule.h"

namespace detectd {

// Appends what `file` holds to `document`. All mistakes are reported, not just the first: where TOML's
// grammar is broken, that `[[table]]` is blanked and the rest is read. A rule with a mistake is left out.
// Texts are bounded: a file of more than 8 MiB is a mistake.
void parse_rules(const SourcePtr& file, RuleDocument& document, Diagnostics& diagnostics);

// `90s`, `5m`, `1h`, `2d`, also `250ms`; nanoseconds. Nothing for other text, 0 and more than 100 years.
std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace detectd
