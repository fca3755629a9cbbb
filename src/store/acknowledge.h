// A person's word on hits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/result.h"

namespace detectd {

// Marks hits, by numbers or ids, as seen to at `now_ns`, with a note that may be empty: all of them, or none.
// Returns how many. Errc::kNotFound for one that does not exist.
Result<uint64_t> acknowledge(const std::string& path, const std::vector<std::string>& hits,
                             const std::string& note, int64_t now_ns);

}  // namespace detectd
