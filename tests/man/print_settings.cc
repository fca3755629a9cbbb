// Prints the SETTINGS section of detectd.toml(5), for tests/man/options.sh.
#include <cstdio>

#include "src/detectd/settings.h"

int main() { return std::fputs(detectd::manual_settings().c_str(), stdout) < 0 ? 1 : 0; }
