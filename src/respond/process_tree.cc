#include "src/respond/process_tree.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace detectd {
namespace {

constexpr int64_t kBirthSlackNs = 50'000'000;

}  // namespace

bool ProcessTreeHold::hold(TreeMember root, const ProcessFacts& facts, const std::vector<Known>& known) {
  edges_.signals.send(root.process.number(), SIGSTOP);
  members_.emplace(root.pid, std::move(root));
  for (const Known& descendant : known) add_known(descendant);
  freeze_group(facts);
  // A look behind which nobody was added found nobody who still runs: all are stopped by then, or have ended.
  for (int i = 0; i < kMaxLooks; ++i) {
    if (!look()) return true;
    if (members_.size() >= kMaxMembers) break;
  }
  return false;
}

// Adds who descends from those that are held; so long as that gives new parents.
bool ProcessTreeHold::look() {
  edges_.view.list(running_);
  std::set<uint32_t> living;
  for (const auto& [pid, member] : members_) {
    if (!edges_.signals.ended(member.process.number())) living.insert(pid);
  }
  bool added_any = false;
  bool added = true;
  while (std::exchange(added, false)) {
    for (const RunningProcess& process : running_) {
      if (members_.size() >= kMaxMembers) return true;
      if (members_.contains(process.pid) || left_alone_.contains(process.pid)) continue;
      if (!living.contains(process.parent_pid) || !descends(process)) continue;
      if (!add(process)) continue;
      living.insert(process.pid);
      added = added_any = true;
    }
  }
  return added_any;
}

bool ProcessTreeHold::descends(const RunningProcess& process) const {
  const auto parent = members_.find(process.parent_pid);
  return parent != members_.end() && parent->second.start_ticks <= process.start_ticks;
}

void ProcessTreeHold::add_known(const Known& known) {
  const auto facts = edges_.view.read(known.pid);
  if (!facts || facts->start_ticks > INT64_MAX / 2 / static_cast<uint64_t>(kTickNs)) return;
  const int64_t start_ns = static_cast<int64_t>(facts->start_ticks) * kTickNs;
  if (std::abs(start_ns - known.birth_boot_ns) > kBirthSlackNs) return;
  if (members_.contains(known.pid)) return;
  add({.pid = known.pid, .parent_pid = facts->parent_pid, .start_ticks = facts->start_ticks});
}

// The hold first: that the start is the same behind it shows that it is this process that is held.
bool ProcessTreeHold::add(const RunningProcess& process) {
  TreeMember member{
      .pid = process.pid, .start_ticks = process.start_ticks, .process = edges_.signals.open(process.pid)};
  if (!member.process) return false;
  const auto facts = edges_.view.read(process.pid);
  if (!facts || facts->start_ticks != process.start_ticks) return false;
  if (edges_.signals.ended(member.process.number())) return false;
  if (edges_.protection.covers(response_target(process.pid, *facts))) {
    left_alone_.insert(process.pid);
    return false;
  }
  edges_.note(process.pid, process.start_ticks);
  edges_.signals.send(member.process.number(), SIGSTOP);
  members_.emplace(process.pid, std::move(member));
  return true;
}

// Only where nobody else is in it, so that nobody else is held up.
void ProcessTreeHold::freeze_group(const ProcessFacts& facts) {
  Cgroup group = Cgroup::open(facts.cgroup);
  std::vector<uint32_t> pids;
  if (!group || !group.list(pids)) return;
  while (look() && members_.size() < kMaxMembers) {
    if (!group.list(pids)) return;
    const bool alone =
        std::all_of(pids.begin(), pids.end(), [this](uint32_t pid) { return members_.contains(pid); });
    if (alone) break;
  }
  const bool alone =
      std::all_of(pids.begin(), pids.end(), [this](uint32_t pid) { return members_.contains(pid); });
  if (alone && group.freeze(true)) group_ = std::move(group);
}

void ProcessTreeHold::end_all() {
  if (group_) {
    std::vector<uint32_t> pids;
    const bool alone = group_.list(pids) && std::all_of(pids.begin(), pids.end(), [this](uint32_t pid) {
                         return members_.contains(pid);
                       });
    if (alone) group_.end_all();
    // Who froze it must not leave it so: others may come into it later.
    group_.freeze(false);
  }
  for (const auto& [pid, member] : members_) edges_.signals.send(member.process.number(), SIGKILL);
}

}  // namespace detectd
