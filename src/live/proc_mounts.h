// Mounts over the directories of processes in a procfs, which hide them from whoever reads it.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/fd.h"

namespace detectd {

struct ProcMount {
  uint64_t id = 0;    // of the mount, the kernel's
  std::string place;  // the mount point, with any bytes
  std::optional<uint32_t> pid;

  bool operator==(const ProcMount&) const = default;
};

// Of the text of a mountinfo (proc_pid_mountinfo(5)): the mounts on what a procfs names by numbers, wherever it is
// mounted itself. Lines that are not understood are left out.
std::vector<ProcMount> find_proc_mounts(std::string_view mountinfo);

// Those of the mount namespace of this process. One a thread.
class ProcMounts {
 public:
  // Of a longer list the rest is not looked at.
  static constexpr size_t kMaxBytes = size_t{4} << 20;

  explicit ProcMounts(const char* mountinfo = "/proc/self/mountinfo");

  // Mounts that were not there at the last look; at the first one all that are. Reads nothing while no mount has
  // changed.
  std::vector<ProcMount> look();

 private:
  Fd file_;
  bool looked_ = false;
  std::set<uint64_t> known_;  // by id
};

}  // namespace detectd
