// Ordinary command lines, for generated events.
#pragma once

#include <span>

namespace detectd::bench {

// Who runs it: says which long-lived process is the parent, and as whom.
enum class Setting { kShell, kRootShell, kBuild, kService, kCron, kWeb, kDatabase, kPackages, kContainer };

// `line` starts with the executable's path; arguments are parted by blanks, single quotes keep them together.
// `{n}` stands for a number, `{h}` for hexadecimal, `{w}` for a word: what differs from run to run.
struct Command {
  Setting setting;
  const char* line;
};

std::span<const Command> ordinary_commands();

}  // namespace detectd::bench
