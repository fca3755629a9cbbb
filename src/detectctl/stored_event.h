// The event of a stored hit, to be judged again.
#pragma once

#include <string>

#include "engine/result.h"
#include "src/store/hit_reader.h"

namespace detectd {

// As a line of a capture: the event as it was stored, and what it does not say itself of its process, its ancestors
// and its target, as far as the hit kept that. `hit` has its detail. Errc::kInput where the stored event can not be
// read.
Result<std::string> stored_event_line(const HitReader& reader, const StoredHit& hit);

}  // namespace detectd
