// What the responder asks of the host, and what it does to it: interfaces, so that a test can be the host. Nothing here
// is asked by name of a process: facts are of whoever has the pid when they are read, and count only where the pidfd
// that was opened before shows behind them that its process still lives.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/fd.h"
#include "src/respond/file_key.h"
#include "src/respond/protection.h"

namespace detectd {

inline constexpr int64_t kTickNs = 10'000'000;  // of the kernel's start times

struct ProcessFacts {
  uint64_t start_ticks = 0;  // since boot
  uint32_t parent_pid = 0;
  char state = '?';
  bool kernel_thread = false;
  bool ending = false;       // its threads have given up their memory: no program runs any more
  uint64_t start_stack = 0;  // moved by an exec, as arg_start is; 0: not told
  uint64_t arg_start = 0;
  std::optional<FileKey> file = {};  // of the executable
  bool file_deleted = false;
  std::string executable = {};  // without the kernel's ` (deleted)`, where it is that
  std::string unit = {};        // `ssh.service`; empty: of none
  std::string unit_path = {};   // the control group that tells the unit; empty: not told
  std::string cgroup = {};      // of the unified hierarchy; empty: not told
};
// Points into `facts`.
ResponseTarget response_target(uint32_t pid, const ProcessFacts& facts);

struct RunningProcess {
  uint32_t pid = 0;
  uint32_t parent_pid = 0;
  uint64_t start_ticks = 0;
};

class ProcessView {
 public:
  virtual ~ProcessView() = default;

  // Of whoever has this pid now; of one whose first thread ended, as its others tell. Nothing: nobody has it.
  virtual std::optional<ProcessFacts> read(uint32_t pid) = 0;
  // All, without the threads of the kernel, in no order.
  virtual void list(std::vector<RunningProcess>& processes) = 0;
  // The file that has this path for us.
  virtual std::optional<FileKey> file(const std::string& path) = 0;
  // Whether it is in another user namespace than we are; not where that can not be told.
  virtual bool has_other_users(uint32_t pid) = 0;
};

// Pidfds. The real one (signals.cc) is the only place of detectd that sends a signal.
class ProcessSignals {
 public:
  virtual ~ProcessSignals() = default;

  virtual Fd open(uint32_t pid) = 0;                        // none: errno says why
  virtual bool ended(int pidfd) = 0;                        // all its threads
  virtual int send(int pidfd, int signal) = 0;              // 0, or an errno
  virtual bool wait_ended(int pidfd, int64_t wait_ns) = 0;  // ended(), at the latest after that time
};

class RealSignals final : public ProcessSignals {
 public:
  Fd open(uint32_t pid) override;
  bool ended(int pidfd) override;
  int send(int pidfd, int signal) override;
  bool wait_ended(int pidfd, int64_t wait_ns) override;
};

}  // namespace detectd
