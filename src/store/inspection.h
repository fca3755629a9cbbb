// Whether a database can be trusted, and what is in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

// What SQLite's own check of the whole file finds, at most a hundred lines, escaped; none: it is sound.
Result<std::vector<std::string>> check_integrity(const Database& database);

// Walks the hash chain over all that never changes. The number of the first hit that is not as it was stored, or that
// follows one that is missing; nothing if all are. It finds what was changed by somebody who did not
// compute the chain anew, and not what was taken from its end.
struct ChainReport {
  uint64_t hits = 0;  // that are as they were stored
  std::optional<int64_t> broken_at;
};
Result<ChainReport> verify_chain(const Database& database);

struct DatabaseStatistics {
  int64_t schema = 0;
  uint64_t bytes = 0;
  uint64_t free_bytes = 0;  // inside the file
  uint64_t hits = 0, rules = 0, runs = 0, gaps = 0, pruned = 0;
  std::optional<int64_t> first_ns, last_ns;
  uint64_t waiting = 0;  // in the spill
};
Result<DatabaseStatistics> read_statistics(const Database& database);

}  // namespace detectd
