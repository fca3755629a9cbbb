// A control group of the unified hierarchy: who is in it, freezing it, and ending all in it at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "src/fd.h"

namespace detectd {

class Cgroup {
 public:
  static constexpr size_t kMaxProcesses = 4096;
  static constexpr int kMaxDepth = 16;

  Cgroup() = default;
  // `path` as /proc/PID/cgroup has it. None for the root, and where there is no such hierarchy.
  static Cgroup open(const std::string& path);

  explicit operator bool() const { return static_cast<bool>(directory_); }
  // Those below it too. False where they are more than bounds allow, or could not be told.
  bool list(std::vector<uint32_t>& pids) const;
  bool freeze(bool frozen) const;
  bool end_all() const;

 private:
  Fd directory_;
};

}  // namespace detectd
