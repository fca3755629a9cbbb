// Why a correlation holds or does not, for people and for programs.
#pragma once

#include <string>

#include "engine/rule_set.h"
#include "src/detectctl/judged_event.h"

namespace detectd {

// `judged` was asked about this correlation. `event` is how the event was named, for what to ask next.
std::string correlation_why_text(const CompiledCorrelation& compiled, const JudgedEvent& judged,
                                 const std::string& event, size_t columns);
// An object on one line.
std::string correlation_why_json(const CompiledCorrelation& compiled, const JudgedEvent& judged);

}  // namespace detectd
