// --only and --skip: which rules of a document run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "engine/rule.h"

namespace detectd {

// Leaves in `document` the rules that `only` names (all, if it is empty) and `skip` does not, by id or
// name, and what correlations among them name: that runs and gives no hits. Those of the file `always`, if not null,
// stay whatever `only` says. Errc::kUsage for one that does not exist, and where `skip` names one of `always`.
Status select_rules(const std::vector<std::string>& only, const std::vector<std::string>& skip,
                    RuleDocument& document, const SourcePtr& always = nullptr);

// The rule of that id or name; Errc::kUsage, with a spelling hint, if there is none. Points into `document`.
Result<const Rule*> find_rule(std::string_view name, const RuleDocument& document);

}  // namespace detectd
