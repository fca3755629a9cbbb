// Prints the OPTIONS section of detectd(8), for tests/man/options.sh.
#include <cstdio>

#include "src/detectd/options.h"

int main() { return std::fputs(detectd::manual_options().c_str(), stdout) < 0 ? 1 : 0; }
