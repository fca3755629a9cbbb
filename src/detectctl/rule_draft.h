// A rule for one event, to begin with: what tells it apart from others, and tests on both sides.
#pragma once

#include <string>
#include <string_view>

#include "engine/event.h"
#include "engine/result.h"
#include "engine/rule.h"

namespace detectd {

struct DraftOptions {
  std::string id;
  std::string name;
};

// Looks for the program, its options or first word, who started it, and what else makes such an event what it is. A
// test holds for the event; for each of these, another one has something else and does not. `event` was judged, so its
// lineage is known. Errc::kInput where it says nothing that a rule could look for.
Result<Rule> draft_rule(const Event& event, const DraftOptions& options);

// The same without an event: an example to be written over.
Rule draft_example(const DraftOptions& options);

}  // namespace detectd
