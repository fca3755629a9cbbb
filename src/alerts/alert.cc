#include "src/alerts/alert.h"

namespace detectd {

std::string_view to_string(AlertKind kind) {
  constexpr std::string_view kNames[] = {"hit", "folded", "digest", "heartbeat", "notice"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace detectd
