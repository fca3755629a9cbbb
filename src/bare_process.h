// A process that is cloned out of one with threads and runs no other program: what may hang, or must not, apart from it.
// It takes no lock and no memory, and calls nothing that does, since another thread may have held the lock.
#pragma once

#include <sys/types.h>

#include "src/fd.h"

namespace detectd {

// As fork(2), with a pidfd of the child: 0 in the child, below 0 where there is none (errno).
pid_t clone_bare(Fd& child);

// To be called first in the child. Lets go of all that was inherited, but `socket`, which has the returned number then:
// whoever waits for `parent` to close something must not wait for the child. It ends with the thread that cloned it, takes
// part in no stop of the process group, and goes by `name`.
int shed_what_was_inherited(int socket, const char* name, pid_t parent);

}  // namespace detectd
