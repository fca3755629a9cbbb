// What the host says of who is protected, for who judges execs before they happen.
#pragma once

#include "src/respond/protection.h"

namespace detectd {

// Asks the procfs, borrowed, at each call; any thread.
Protection::Host protection_host(int procfs);

// Whether it is in another user namespace than we are; not where that can not be told.
bool is_in_other_user_namespace(int procfs, uint32_t pid);

}  // namespace detectd
