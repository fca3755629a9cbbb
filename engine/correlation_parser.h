// One `[[correlation]]` table. Sigma's keys, and `new_terms`; described in detectd-rules(5).
#pragma once

#include <cstddef>
#include <optional>

#include "engine/rule.h"
#include "engine/table_reader.h"

namespace detectd {

inline constexpr size_t kMaxCorrelatedRules = 100;
inline constexpr size_t kMaxGroupFields = 16;
// How many events of one group a window holds: no bound may ask for more.
inline constexpr size_t kMaxWindowEvents = 100'000;

// A rule whose `correlation` is set. Nothing where it has a mistake; all of them are reported but what
// can only be seen with the rules that it names.
std::optional<Rule> parse_correlation_table(Reporter& reporter, const TomlValue& table);

}  // namespace detectd
