#include "engine/event_kind.h"

#include <array>

namespace detectd {
namespace {

constexpr std::array<std::string_view, kEventKindCount> kNames = {
    "exec",
    "fork",
    "end",
    "uid_change",
    "gid_change",
    "session_id_change",
    "ptrace",
    "ptrace_detach",
    "comm_change",
    "coredump",
    "connection_attempted",
    "connection_accepted",
    "exec_check",
    "already_running",
    "lost",
    "health",
    "other",
};

}  // namespace

std::string_view to_string(EventKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::string to_string(KindSet kinds) {
  std::string names;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    if (!kinds.has(static_cast<EventKind>(i))) continue;
    if (!names.empty()) names += ", ";
    names += kNames[i];
  }
  return names;
}

std::optional<EventKind> find_event_kind(std::string_view action) {
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kOther); ++i) {
    if (kNames[i] == action) return static_cast<EventKind>(i);
  }
  return std::nullopt;
}

}  // namespace detectd
