// Rules of detectd about itself: what a watched host should wake somebody for, whoever writes its rules. In a
// document their names begin with `detectd.`; the digest over hits leaves them out.
#pragma once

#include "engine/diagnostic.h"

namespace detectd {

// As a rule file called `<built-in>`.
SourcePtr builtin_rules();

}  // namespace detectd
