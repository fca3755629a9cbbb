// Changes a file as a whole or not at all.
#pragma once

#include <string>
#include <string_view>

#include "engine/result.h"

namespace detectd {

// Gives a regular file another content, with the mode and owner that it has. It is refused where `path` is a symbolic
// link, has other names (hard links would part), or no longer holds `expected`. Whoever reads meanwhile sees the old
// content or the new one; when it fails, the old one stays.
Status replace_file(const std::string& path, std::string_view expected, std::string_view content);

// Makes a new file; Errc::kUsage if there is anything of that name, a dangling link included.
Status create_file(const std::string& path, std::string_view content);

}  // namespace detectd
