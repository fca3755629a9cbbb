// What a stream can show: how wide it is, whether it has colours.
#pragma once

#include <cstddef>
#include <cstdint>

namespace detectd {

enum class ColorChoice : uint8_t { kAuto, kAlways, kNever };

struct Terminal {
  bool is_terminal = false;
  bool color = false;
  size_t columns = 0;  // 0: not a terminal, nothing needs to be cut
};

// Looks at the descriptor, and honours COLUMNS, NO_COLOR, CLICOLOR_FORCE and TERM=dumb.
Terminal inspect_terminal(int descriptor, ColorChoice choice);

}  // namespace detectd
