// What a run shows on standard output: hits as they come, losses where they lie in the stream, a summary.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/digest.h"
#include "engine/hit.h"

namespace detectd {

// Of the hits that were shown.
struct LevelTotal {
  uint64_t hits = 0;
  uint64_t rules = 0;
  int64_t first_ns = 0;
  int64_t last_ns = 0;
};
inline constexpr size_t kLevelCount = static_cast<size_t>(Level::kCritical) + 1;

struct Summary {
  uint64_t events = 0;          // shown to rules
  uint64_t hits = 0;            // shown to people
  uint64_t hits_left_out = 0;   // by --level, --from, --to
  uint64_t folded = 0;          // repeats that `suppress` counted and did not show
  uint64_t evicted_groups = 0;  // groups that correlations forgot for want of memory
  uint64_t skipped = 0;         // lines that could not be read
  uint64_t lost = 0;            // events that the sensor says it lost
  uint64_t gaps = 0;            // intervals in which it was blind or lossy
  uint64_t uncounted_gaps = 0;  // those of them of which nobody knows how much was lost
  uint64_t inactive_rules = 0;
  std::optional<uint64_t> stored = std::nullopt;  // hits, where there is a database
  bool reached_end = true;  // of the stream: no mistake, limit, time or signal ended the run before
  int64_t elapsed_ns = 0;
  Sha256 rules_digest{};
  std::optional<Sha256> hits_digest = Sha256{};  // nothing: more hits than it is made of
  std::array<LevelTotal, kLevelCount> levels{};

  bool complete() const { return reached_end && skipped == 0 && lost == 0 && gaps == 0; }
};

class Report {
 public:
  virtual ~Report() = default;

  // Hits in order; a batch is laid out together.
  virtual void show_hits(std::span<const Hit> hits) = 0;
  // An event of the kind `lost`.
  virtual void show_loss(const Event& event) = 0;
  virtual void show_summary(const Summary& summary) = 0;
};

}  // namespace detectd
