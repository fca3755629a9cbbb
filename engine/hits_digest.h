// What a run's hits come to in one value, in whatever order they came: SHA-256 over their sorted ids.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "engine/digest.h"
#include "engine/hit.h"

namespace detectd {

class HitsDigest {
 public:
  // Keeps 16 bytes a hit, of `max_hits` at most (4 Mi: 64 MiB).
  static constexpr size_t kMaxHits = size_t{4} << 20;
  explicit HitsDigest(size_t max_hits = kMaxHits) : max_hits_(max_hits) {}

  void add(const HitId& id);
  // Of all that were added; nothing once they were more than can be kept.
  std::optional<Sha256> digest();

 private:
  size_t max_hits_;
  bool overflowed_ = false;
  std::deque<HitId> ids_;  // a vector would need twice the memory while it grows
};

}  // namespace detectd
