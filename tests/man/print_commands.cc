// Prints the COMMANDS section of detectctl(1), for tests/man/options.sh.
#include <cstdio>

#include "src/detectctl/commands.h"

int main() { return std::fputs(detectd::manual_of_commands().c_str(), stdout) < 0 ? 1 : 0; }
