// Which ends of threads are ends of processes. The connector tells of threads; a process ends with its last one,
// which need not be its leader: a leader may end while others go on, and when another thread execs, the kernel
// ends the leader first and lets the other take its place.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "src/sources/proc_event.h"

namespace detectd {

class ThreadEnds {
 public:
  // What `event` means for processes: itself, nothing (it is of a thread), or the end of a process whose leader
  // ended before.
  std::optional<ProcEvent> pass(const ProcEvent& event);
  // Events were lost: counts can no longer be trusted, so an end of a leader is taken for the process's.
  void forget() { processes_.clear(); }

  // Processes with more than one thread that are watched. Beyond kMax none is added: the end of its leader is then
  // told as that of the process.
  size_t size() const { return processes_.size(); }
  static constexpr size_t kMax = 65'536;

 private:
  struct Threads {
    uint32_t others = 0;                  // beside the leader
    std::optional<ProcEvent> leader_end;  // it ended while others went on
  };
  std::optional<ProcEvent> pass_exit(const ProcEvent& event);

  std::unordered_map<uint32_t, Threads> processes_;
};

}  // namespace detectd
