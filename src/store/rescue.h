// What to do with a database whose file was removed or replaced while it was open, or that is damaged.
#pragma once

#include <cstdint>
#include <string>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

// Copies what `database` still holds to `PATH.removed-TIME`, where nothing was lost. Returns what happened, for
// a person.
std::string rescue(Database& database, int64_t now_ns);

// For a damaged database that nobody has open here: moves the file, and its log with it, to `PATH.corrupt-TIME`, and
// returns that path. A file that is no database at all may be anything that somebody named by mistake: it is
// moved only where its name ends in `.db` and it belongs to us alone.
Result<std::string> move_aside(const std::string& path, bool is_database, int64_t now_ns);

// `PATH.WORD-20261120T140307Z`, with a number behind it if there is such a file already.
std::string aside_path(const std::string& path, std::string_view word, int64_t now_ns);

}  // namespace detectd
