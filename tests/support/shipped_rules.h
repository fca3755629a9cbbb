// The rules that come with detectd, for tests.
#pragma once

#include <memory>
#include <vector>

#include "engine/rule_set.h"

namespace detectd::test {

struct ShippedRules {
  std::shared_ptr<const RuleSet> rules;
  Diagnostics diagnostics;

  // Active ones, correlations included.
  std::vector<const Rule*> all() const;
};

// All files below rules/, in the order of their paths.
ShippedRules load_shipped_rules();

}  // namespace detectd::test
