// What `detectctl check` prints for programs.
#pragma once

#include <cstddef>
#include <string>

#include "engine/diagnostic.h"
#include "engine/rule_set.h"

namespace detectd {

// One mistake, `{"type":"mistake",...}` on a line of its own.
std::string mistake_json(const Diagnostic& diagnostic);

// JSON Lines: `{"type":"mistake",...}` each, and last `{"type":"summary",...}`.
std::string check_json(const Diagnostics& diagnostics, size_t rules, const RuleSet& set);

// A SARIF 2.1.0 document of one run.
std::string check_sarif(const Diagnostics& diagnostics);

}  // namespace detectd
