// What to do with a database whose file was removed or replaced while it was open.
#pragma once

#include <cstdint>
#include <string>

#include "src/store/database.h"

namespace detectd {

// Copies what `database` still holds to `PATH.removed-TIME`, where nothing was lost. Returns what happened, for
// a person.
std::string rescue(Database& database, int64_t now_ns);

// `PATH.WORD-20261120T140307Z`, with a number behind it if there is such a file already.
std::string aside_path(const std::string& path, std::string_view word, int64_t now_ns);

}  // namespace detectd
