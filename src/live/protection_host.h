// What the host says of who is protected, for who judges execs before they happen.
#pragma once

#include "src/respond/protection.h"

namespace detectd {

// Asks the procfs, borrowed, at each call; any thread.
Protection::Host protection_host(int procfs);

}  // namespace detectd
