// A stored hit as the JSON that detectd prints, with what the database adds.
#pragma once

#include <string>

#include "src/store/hit_reader.h"

namespace detectd {

// One line, with its newline. `hit` has its detail.
std::string json_line(const StoredHit& hit);
std::string json_line(const StoredGap& gap);

}  // namespace detectd
