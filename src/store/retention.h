// Old hits go, so that the database keeps a bound. In small steps, between which others write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

struct RetentionLimits {
  std::optional<uint64_t> max_bytes;  // of the file, pages that are free not counted
  std::optional<int64_t> stored_before_ns;
  // Of pages that are free within the file, for hits to come where the disk gives none, but at most an eighth of
  // the file: these are not given back.
  std::optional<uint64_t> spare_bytes = std::nullopt;
};

class Retention {
 public:
  // What a step does at most: some milliseconds of work.
  static constexpr int64_t kHitsAStep = 500;
  static constexpr int64_t kHitsASpareStep = 20;  // where the disk has no room for a long log either
  static constexpr int kPagesAStep = 256;
  static constexpr uint64_t kSpareShare = 8;

  // `database` is open for writing, of this schema, not in a transaction, and must outlive this.
  Retention(Database& database, RetentionLimits limits) : database_(database), limits_(limits) {}

  // Takes the oldest hits, in the order in which they were stored, and gives freed pages back to the file system.
  // False when there was nothing left to do. A database that somebody else is writing to is D404, after no wait.
  Result<bool> step();
  uint64_t pruned() const { return pruned_; }

 private:
  Result<bool> is_too_large() const;
  // The number up to which hits may go in this step; 0: none.
  Result<int64_t> find_last_to_go();
  Status remove_until(int64_t n);

  Database& database_;
  RetentionLimits limits_;
  uint64_t pruned_ = 0;
};

}  // namespace detectd
