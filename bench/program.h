// A command line made ready for capture lines.
#pragma once

#include <string>
#include <string_view>

#include "bench/commands.h"
#include "bench/random.h"

namespace detectd::bench {

struct Program {
  Setting setting{};
  std::string image;         // JSON members: executable, name, args, args_count, command_line, thread.name
  std::string parent_image;  // those that a child says of its parent
};

// `line` as in commands.h, its placeholders drawn from `random`. `program` is reused.
void render_program(Setting setting, std::string_view line, Random& random, Program& program);

}  // namespace detectd::bench
