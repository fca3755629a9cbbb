#include "src/respond/protected.h"

namespace detectd {
namespace {

// All threads of the kernel are its children.
constexpr uint32_t kKernelThreads = 2;

// What the kernel appends to the path of a file without a name: of a program that was replaced by an upgrade,
// and still runs.
constexpr std::string_view kDeleted = " (deleted)";

bool is_path(std::string_view executable, std::string_view path) {
  return executable == path || (executable.size() == path.size() + kDeleted.size() &&
                                executable.starts_with(path) && executable.ends_with(kDeleted));
}

}  // namespace

std::string_view why_protected(const ResponseTarget& target, const ProtectedList& list) {
  if (target.pid == 1) return "pid 1";
  const bool may_be_kernel = target.executable.empty();
  if (target.pid == kKernelThreads || (may_be_kernel && target.parent_pid == kKernelThreads)) {
    return "a thread of the kernel";
  }
  if (target.ours) return "detectd itself";
  for (const std::string& path : list.executables) {
    if (is_path(target.executable, path)) return path;
  }
  for (const std::string& unit : list.units) {
    if (!target.unit.empty() && target.unit == unit) return unit;
  }
  return {};
}

}  // namespace detectd
