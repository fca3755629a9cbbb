#include "src/sources/thread_ends.h"

namespace detectd {

std::optional<ProcEvent> ThreadEnds::pass(const ProcEvent& event) {
  switch (event.what) {
    case ProcWhat::kFork:
      if (event.thread == event.pid) {
        processes_.erase(event.pid);  // the pid is somebody else's now
        return event;
      }
      if (processes_.size() < kMax || processes_.contains(event.pid)) ++processes_[event.pid].others;
      return std::nullopt;
    case ProcWhat::kExec:
      processes_.erase(event.pid);  // the other threads are gone, and who execs is the leader
      return event;
    case ProcWhat::kExit: return pass_exit(event);
    default: return event;
  }
}

std::optional<ProcEvent> ThreadEnds::pass_exit(const ProcEvent& event) {
  const auto found = processes_.find(event.pid);
  if (event.thread == event.pid) {
    if (found == processes_.end()) return event;
    found->second.leader_end = event;
    return std::nullopt;
  }
  if (found == processes_.end() || --found->second.others != 0) return std::nullopt;
  std::optional<ProcEvent> end = found->second.leader_end;
  processes_.erase(found);
  if (end) end->monotonic_ns = event.monotonic_ns;
  return end;
}

}  // namespace detectd
