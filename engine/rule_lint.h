// The linter: warnings about rules that can be evaluated as they are written, but are hardly meant so, are
// easily evaded, or can not be trusted without a test (D130 to D139).
#pragma once

#include "engine/diagnostic.h"
#include "engine/rule.h"
#include "engine/rule_set.h"

namespace detectd {

// Looks at the active rules of `rules`; `document` is what the set was made of.
void lint_rules(const RuleDocument& document, const RuleSet& rules, Diagnostics& diagnostics);

}  // namespace detectd
