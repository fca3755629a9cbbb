// Files that we write to: the database and what lies beside it, captures, locks. Who can set a link on their way decides
// where root writes.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "src/fd.h"

namespace detectd {

// A link on the way to `path`, its last name included, that somebody else than root and this process's user has set or
// can replace; nothing where there is none.
std::optional<std::string> foreign_link(const std::string& path);

// Opens it as open(2) does, closed on exec and without waiting for a pipe. Fails with ELOOP where the last name is a link,
// whoever set it, and where there is a foreign_link().
Fd open_own_file(const std::string& path, int flags, mode_t mode = 0600);
// What went wrong, from errno.
std::string own_file_error(int number);

}  // namespace detectd
