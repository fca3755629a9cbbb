// What became of what a rule asked for, as its hit tells.
#pragma once

#include <string_view>

#include "engine/hit.h"

namespace detectd {

// What the responder says; of a rule with `action = "deny"` what the event itself does: `denied`, `refused: WHY`;
// otherwise kNobodyResponds. Points into the hit.
std::string_view outcome_of(const Hit& hit);

}  // namespace detectd
