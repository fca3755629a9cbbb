// Rules for sub-commands that need a whole rule set.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/detectctl/command.h"

namespace detectd {

// The arguments as paths of rules; without any, those that are read if nobody says (src/rule_document.h).
Result<std::vector<std::string>> rule_paths_of(const Call& call);

struct GoodRules {
  RuleDocument document;
  std::shared_ptr<const RuleSet> set;
};
// Rules without an error. Mistakes, and the Error that is returned, have been told.
Result<GoodRules> load_good_rules(const Call& call);

}  // namespace detectd
