// Rule files to rules and diagnostics. The language is described in detectd-rules(5); toml_text.h says how
// all mistakes of a file are found in one run.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "engine/diagnostic.h"
#include "engine/rule.h"

namespace detectd {

inline constexpr size_t kMaxRuleFileBytes = 8 << 20;

// Appends what `file` holds to `document`. All mistakes are reported, not just the first: where TOML's
// grammar is broken, the rest of that `[[table]]` is left out and the next one is read. A rule with a mistake
// is left out. Texts are bounded: a file of more than 8 MiB is a mistake, and after 200 broken tables the
// rest of a file is not read.
void parse_rules(const SourcePtr& file, RuleDocument& document, Diagnostics& diagnostics);

// What can only be done when all files are read, and once: reports ids and names that two rules have
// (D022), and applies filters and overrides to the rules (site_changes.h).
void check_document(RuleDocument& document, Diagnostics& diagnostics);

// `90s`, `5m`, `1h`, `2d`, also `250ms`; nanoseconds. Nothing for other text, 0 and more than 100 years.
std::optional<int64_t> parse_duration(std::string_view text);

}  // namespace detectd
