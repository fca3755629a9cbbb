// What a rule says, as bytes to hash: equal for two rules that hold for the same events and ask for
// the same, whatever their layout, prose and tests.
#pragma once

#include "engine/digest.h"
#include "engine/rule.h"

namespace detectd {

// `document` gives the lists that the rule expands and the fields that it declares.
Sha256 definition_digest(const Rule& rule, const RuleDocument& document);

}  // namespace detectd
