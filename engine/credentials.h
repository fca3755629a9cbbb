// Who a process is, and whether it just became root.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/event.h"
#include "engine/process.h"

namespace detectd {

struct UserIds {
  std::optional<int64_t> real, effective, saved;

  bool any_root() const { return real == 0 || effective == 0 || saved == 0; }
};

UserIds user_ids(const Attributes& attributes);

// `detectd.escalated`: the effective uid became 0, and none of real, effective and saved was 0 since the
// last exec (`had_root`). Nothing where the ids before or after are not known.
std::optional<bool> escalated(const UserIds& before, bool had_root, const UserIds& after);

// `Ext.setuid` of an exec whose id changes were `joined` to it: a set-uid file changes the effective uid and
// leaves the real one, a setuid(2) before the exec changes both. Nothing where the ids are not known, or
// where they changed and no id change was seen.
std::optional<bool> set_by_file(const UserIds& before, const UserIds& after, bool joined);

}  // namespace detectd
