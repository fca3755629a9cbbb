// The same events with the members of every object in another order.
#pragma once

#include <string>
#include <string_view>

#include "bench/random.h"

namespace detectd::bench {

// `json` is one valid value without blanks outside of its strings; appended to `out`.
void append_shuffled(std::string_view json, Random& random, std::string& out);

// All lines but the first, which is the header of a capture.
std::string shuffle_lines(std::string_view lines, uint64_t seed);

}  // namespace detectd::bench
