#include "engine/credentials.h"

namespace detectd {
UserIds user_ids(const Attributes& attributes) {
  return {.real = attributes.find_integer(Leaf::kRealUserId),
          .effective = attributes.find_integer(Leaf::kUserId),
          .saved = attributes.find_integer(Leaf::kSavedUserId)};
}

std::optional<bool> escalated(const UserIds& before, bool had_root, const UserIds& after) {
  if (!before.effective || !after.effective) return std::nullopt;
  return after.effective == 0 && !before.any_root() && !had_root;
}

std::optional<bool> set_by_file(const UserIds& before, const UserIds& after, bool joined) {
  if (!before.effective || !after.effective) return std::nullopt;
  if (before.effective == after.effective) return false;
  if (!joined) return std::nullopt;
  return !before.real || !after.real || before.real == after.real;
}

}  // namespace detectd
