// What a program that keeps a database does for it between batches: old hits go, and a disk that fills is told of
// before it is full.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/result.h"
#include "src/store/database.h"

namespace detectd {

struct UpkeepOptions {
  std::optional<uint64_t> max_bytes = {};  // of the file
  std::optional<int64_t> keep_ns = {};     // since a hit was stored
  // Tells when the file system has less than the least of 64 MiB and a tenth of it, and makes room within the file
  // then: the oldest hits go, up to an eighth of it.
  bool watch_disk = false;
};

class Upkeep {
 public:
  using Tell = std::function<void(Errc, std::string)>;

  Upkeep(UpkeepOptions options, Tell tell) : options_(options), tell_(std::move(tell)) {}

  // At most `steps` of retention (retention.h): some milliseconds each. `database` must not be in a transaction. What
  // stands in the way, such as another writer, is left for the next time.
  void run(Database& database, int64_t now_ns, int steps);

  bool disk_is_low() const { return low_; }
  uint64_t pruned() const { return pruned_; }

 private:
  void look_at_disk(Database& database);

  UpkeepOptions options_;
  Tell tell_;
  bool low_ = false;
  uint64_t spare_bytes_ = 0;
  uint64_t pruned_ = 0;
};

}  // namespace detectd
