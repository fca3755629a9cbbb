#include "engine/hits_digest.h"

#include <algorithm>

namespace detectd {

void HitsDigest::add(const HitId& id) {
  if (overflowed_) return;
  if (ids_.size() == max_hits_) {
    overflowed_ = true;
    std::deque<HitId>().swap(ids_);
    return;
  }
  ids_.push_back(id);
}

std::optional<Sha256> HitsDigest::digest() {
  if (overflowed_) return std::nullopt;
  std::sort(ids_.begin(), ids_.end());
  Sha256Hasher hasher;
  for (const HitId& id : ids_) {
    hasher.add(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
  }
  return hasher.finish();
}

}  // namespace detectd
