#include "src/store/waiting_batches.h"

#include <algorithm>
#include <utility>

namespace detectd {
namespace {

size_t bytes_of(const WaitingBatches::Batch& batch) {
  size_t bytes = 0;
  for (const SpillFile::Entry& entry : batch) bytes += sizeof entry + entry.payload.size();
  return bytes;
}

uint64_t hits_of(const WaitingBatches::Batch& batch) {
  const auto is_hit = [](const SpillFile::Entry& entry) { return entry.kind == SpillKind::kHit; };
  return static_cast<uint64_t>(std::count_if(batch.begin(), batch.end(), is_hit));
}

}  // namespace

bool WaitingBatches::add(Batch batch) {
  const size_t bytes = bytes_of(batch);
  if (bytes > max_bytes_) {
    dropped_ += hits_of(batch);
    return false;
  }
  while (bytes_ + bytes > max_bytes_) {
    bytes_ -= bytes_of(batches_.front());
    hits_ -= hits_of(batches_.front());
    dropped_ += hits_of(batches_.front());
    batches_.pop_front();
  }
  bytes_ += bytes;
  hits_ += hits_of(batch);
  batches_.push_back(std::move(batch));
  return true;
}

void WaitingBatches::clear() {
  batches_.clear();
  bytes_ = 0;
  hits_ = 0;
}

}  // namespace detectd
