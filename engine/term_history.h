// What a correlation of the type new_terms has seen, to be kept from one run to the next.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "engine/digest.h"

namespace detectd {

// The first 128 bits of SHA-256 over a combination of values: enough to know it again, and nothing to read in it.
using SeenTerm = std::array<uint8_t, 16>;

struct TermHistory {
  Sha256 digest{};       // CompiledCorrelation::digest: what another definition has seen is not its own
  int64_t start_ns = 0;  // of event time: since when it learns
  std::vector<SeenTerm> terms;  // the one that was seen longest ago first
};

}  // namespace detectd
