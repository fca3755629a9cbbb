// A small file with a secret: read when it is needed, kept nowhere, shown never.
#pragma once

#include <string>
#include <vector>

#include "engine/result.h"

namespace detectd {

// Its lines without blank ones and those that begin with `#`. Errc::kPermission for one that is not there, or that
// others than its owner and group may read or write; messages hold its name, never what is in it.
Result<std::vector<std::string>> read_secret_lines(const std::string& path);
// Of a file of headers, each `Name: value`; the same, and an error that names the line for one that is none.
Result<std::vector<std::string>> read_headers(const std::string& path);

}  // namespace detectd
