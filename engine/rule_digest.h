// What a rule says, as bytes to hash: equal for two rules that hold for the same events and ask for
// the same, whatever their layout, prose and tests.
#pragma once

#include <span>

#include "engine/digest.h"
#include "engine/rule.h"

namespace detectd {

// Of a rule that is no correlation. `document` gives the lists that the rule expands and the fields that it declares.
Sha256 definition_digest(const Rule& rule, const RuleDocument& document);

// A rule that a correlation names, and whether it falls silent for that.
struct CorrelatedRule {
  Sha256 digest{};
  bool silenced = false;
};
Sha256 correlation_digest(const Rule& rule, std::span<const CorrelatedRule> named);

}  // namespace detectd
