// Rules made by chance, valid as parse_rules() understands them, with texts that are hard to quote.
#pragma once

#include <cstdint>
#include <string>

#include "engine/rule.h"

namespace detectd::test {

// The same rule for the same seed.
Rule random_rule(uint32_t seed);

}  // namespace detectd::test
