// Which file it is, asked without waiting for a file system.
#pragma once

#include <optional>

#include "src/enrich/exec_image.h"

namespace detectd {

enum class FollowLink : bool { kNo, kYes };

// `path`, relative to `directory`; where it is empty, `directory` itself. Nothing where it cannot be told. A
// file system over a network or in a process is asked for nothing that it has not said already: who serves it
// could let us wait.
std::optional<FileIdentity> identify_file(int directory, const char* path, FollowLink follow);

}  // namespace detectd
