// One rule, one event: does it hold?
#pragma once

#include <string>

#include "engine/diagnostic.h"
#include "engine/rule.h"

namespace detectd::testing {

// Compiles `document` and shows it the capture line `event`. Throws std::runtime_error with the
// diagnostics where the rules or the line have a mistake. True if any rule holds.
bool holds(const RuleDocument& document, const std::string& event);

// The same of rules written as TOML.
bool holds(const std::string& toml, const std::string& event);

}  // namespace detectd::testing
