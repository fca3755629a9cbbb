#include "src/respond/process_view.h"

namespace detectd {

ResponseTarget response_target(uint32_t pid, const ProcessFacts& facts) {
  return {.pid = pid,
          .parent_pid = facts.parent_pid,
          .kernel_thread = facts.kernel_thread,
          .executable = facts.executable,
          .file = facts.file,
          .file_deleted = facts.file_deleted,
          .unit = facts.unit,
          .cgroup = facts.unit_path};
}

}  // namespace detectd
