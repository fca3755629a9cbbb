// All that a rule says, without places, as text: equal for equal rules and no others.
#pragma once

#include <string>

#include "engine/rule.h"

namespace detectd::test {

std::string dump_rule(const Rule& rule);
std::string dump_detection(const Detection& detection);

}  // namespace detectd::test
