// Rules and events made by chance of the same few words, so that many of them meet: texts of every casing, regular
// expressions, ancestors, lists.
#pragma once

#include <string>

#include "bench/random.h"
#include "engine/event.h"
#include "engine/fields.h"

namespace detectd::test {

// TOML of one rule; its id ends with `number`.
std::string random_rule_text(bench::Random& random, int number);
Event random_event(bench::Random& random, const Schema& schema);

}  // namespace detectd::test
