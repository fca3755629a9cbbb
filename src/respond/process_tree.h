// A process and all that descend from it, held still one after the other until no new one turns up: who is stopped
// starts nobody. By parents as the kernel tells them, and by those whose parent has ended, as forks told of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "src/fd.h"
#include "src/respond/cgroup.h"
#include "src/respond/process_view.h"
#include "src/respond/protection.h"

namespace detectd {

struct TreeMember {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;
  Fd process;
};

class ProcessTreeHold {
 public:
  static constexpr size_t kMaxMembers = 4096;
  static constexpr int kMaxLooks = 64;

  struct Edges {
    ProcessView& view;
    ProcessSignals& signals;
    const Protection& protection;
    // Before a process gets its first signal.
    std::function<void(uint32_t pid, uint64_t start_ticks)> note;
  };

  // `known`: descendants as forks told of them, with what their start was about (CLOCK_BOOTTIME).
  struct Known {
    uint32_t pid = 0;
    int64_t birth_boot_ns = 0;
  };

  explicit ProcessTreeHold(Edges edges) : edges_(std::move(edges)) {}

  // Stops them all, root first, whose facts these are. False where new ones turned up to the end of our patience.
  bool hold(TreeMember root, const ProcessFacts& facts, const std::vector<Known>& known);
  // Ends all that are held; by way of their control group where nobody else is in it.
  void end_all();

  std::map<uint32_t, TreeMember> take_members() { return std::move(members_); }

 private:
  bool look();
  void add_known(const Known& known);
  bool add(const RunningProcess& process);
  bool descends(const RunningProcess& process) const;
  void freeze_group(const ProcessFacts& facts);

  Edges edges_;
  std::map<uint32_t, TreeMember> members_;
  std::set<uint32_t> left_alone_;
  std::vector<RunningProcess> running_;
  Cgroup group_;
};

}  // namespace detectd
