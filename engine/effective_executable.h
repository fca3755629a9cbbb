// What a program runs that runs others: the dynamic loader its program, busybox its applet, an interpreter
// its script.
#pragma once

#include <span>
#include <string_view>

namespace detectd {

// Whether effective_executable can have an answer: most programs run no others, and their arguments need not
// be looked at.
bool may_run_others(std::string_view executable);

// `args` with the program's name first. Points into `args`, as written there: a script's path may be
// relative, an applet has none. Empty where nothing else is run (`sh -c`, a script on standard input), and
// where an option is not known, since its value could be taken for the script.
std::string_view effective_executable(std::string_view executable, std::span<const std::string_view> args);

}  // namespace detectd
