// What differs between two texts, as `diff -u` tells it.
#pragma once

#include <string>
#include <string_view>

namespace detectd {

// Escaped, with the name of the file in its head; empty for texts that are the same. Time and memory are bounded: of
// large parts that differ all over it is only told that they were replaced.
std::string unified_diff(std::string_view name, std::string_view before, std::string_view after);

}  // namespace detectd
