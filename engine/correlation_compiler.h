// The correlations of a document, and what is suppressed: references resolved, fields found, the order
// settled in which they are evaluated.
#pragma once

#include <map>
#include <string>

#include "engine/diagnostic.h"
#include "engine/digest.h"
#include "engine/rule_set.h"

namespace detectd {

// `set` has its rules, active and inactive; it gets its correlations. `digests` has the definition of each
// active rule by id, and gets those of the correlations.
void compile_correlations(const RuleDocument& document, RuleSet& set, std::map<std::string, Sha256>& digests,
                          Diagnostics& diagnostics);

}  // namespace detectd
