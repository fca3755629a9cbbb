// May a rule end a process? Only where every way in which it can hold rests on something that the
// kernel vouches for: anybody can put any text on a command line, a root job's file name included.
#pragma once

#include "engine/condition.h"
#include "engine/rule.h"

namespace detectd {

// What the check needs to know of a rule's selections.
struct SelectionTrust {
  // For each alternative: has it an item that holds only for a value the kernel vouches for?
  std::vector<bool> vouched_alternatives;
};

// Whether a positive item on this field vouches for what the process is: its executable and what
// comes with it, its user, the same of its parent and ancestors. A time, a pid, a flag do not.
bool vouches(FieldId id);

// Whether every way in which the condition can hold has an item of something that vouches.
bool rests_on_vouched(const Condition& condition, const std::vector<SelectionTrust>& selections);

// Reports D120 to D122; nothing for a rule that only alerts. `vouched`: rests_on_vouched(), for a
// correlation of each rule whose process may be the target.
void check_response(const Rule& rule, KindSet kinds, bool vouched, Diagnostics& diagnostics);

}  // namespace detectd
