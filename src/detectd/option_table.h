// The options of detectd.
#pragma once

#include <span>

#include "src/option_table.h"

namespace detectd {

// For a struct Options; in the order of --help.
std::span<const OptionRow> option_table();

}  // namespace detectd
