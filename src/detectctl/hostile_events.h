// Events whose texts are as bad as somebody can make them who knows the rules: full of the texts by which rules are
// found, whole or nearly, up to the size of an argument list that is read of a process. What they cost, any text may.
#pragma once

#include <cstddef>
#include <functional>

#include "engine/event.h"
#include "engine/rule_set.h"

namespace detectd {

struct HostileOptions {
  size_t events = 2000;      // over all kinds that have rules
  size_t text_bytes = 4096;  // of each field
};

// The same events in every run. Each is given in turn, and valid until the next.
void visit_hostile_events(const RuleSet& rules, const HostileOptions& options,
                          const std::function<void(const Event&)>& visit);

}  // namespace detectd
