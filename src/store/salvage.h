// What can still be read of a damaged database, in a new one.
#pragma once

#include <cstdint>
#include <string>

#include "engine/result.h"

namespace detectd {

struct SalvageReport {
  uint64_t hits = 0;
  uint64_t gaps = 0;
  uint64_t unreadable = 0;  // stretches of numbers that were stepped over, or rows without all of their parts
};

// Copies hits and gaps of `from`, which is left as it is, into `to`, which must not exist. The chain of the copy begins
// anew: it vouches for nothing before the copy.
Result<SalvageReport> salvage(const std::string& from, const std::string& to, int64_t now_ns);

}  // namespace detectd
