// Batches that neither the database nor the spill takes, in memory: the newest, as many as there is room for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "src/store/spill_file.h"

namespace detectd {

class WaitingBatches {
 public:
  using Batch = std::vector<SpillFile::Entry>;

  // 0: there is no room.
  explicit WaitingBatches(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Older ones make room. False where it is larger than all the room.
  bool add(Batch batch);
  const std::deque<Batch>& batches() const { return batches_; }
  void clear();

  uint64_t hits() const { return hits_; }
  // Hits that are lost because there was no room.
  uint64_t dropped() const { return dropped_; }

 private:
  size_t max_bytes_;
  std::deque<Batch> batches_;
  size_t bytes_ = 0;
  uint64_t hits_ = 0;
  uint64_t dropped_ = 0;
};

}  // namespace detectd
