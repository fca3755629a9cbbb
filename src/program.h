// What the two programs do around their work.
#pragma once

#include <string>
#include <vector>

#include "src/exit_status.h"
#include "src/report/output.h"

namespace detectd {

// Calls `run` with the words of the command line and standard output, writes out what is buffered, and
// returns what main() returns: also where the output could not be written, or an exception was thrown.
int run_program(int argc, const char* const* argv,
                ExitStatus (*run)(const std::vector<std::string>& words, Output& output));

}  // namespace detectd
