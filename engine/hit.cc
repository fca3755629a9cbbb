#include "engine/hit.h"

#include "engine/digest.h"

namespace detectd {

std::string to_string(const HitId& id) {
  return hex(std::string_view(reinterpret_cast<const char*>(id.data()), id.size()));
}

}  // namespace detectd
