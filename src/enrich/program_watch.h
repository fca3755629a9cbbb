// Looks at a program once more, a while after its exec: at its arguments, which lie in the memory of the process, which
// may write over them so that whoever looks later sees others; and at the file that it is said to run, which a process
// that is root in some user namespace may name anew.
//
// Of a program that ended, or was followed by another, until then, nobody knows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "src/enrich/exec_image.h"
#include "src/enrich/procfs.h"
#include "src/enrich/procfs_parse.h"

namespace detectd {

struct ProgramChange {
  enum class What : uint8_t {
    kArguments,
    kMovedArguments,  // they lie elsewhere than the exec put them
    kExecutable,
  };
  uint32_t pid = 0;
  What what = What::kArguments;
  std::string
      now;  // the arguments, joined by spaces, or the file's path; with any bytes, at most kShownBytes

  static constexpr size_t kShownBytes = 1024;
};

// One a thread.
class ProgramWatch {
 public:
  static constexpr int64_t kDelayNs = 1'000'000'000;
  // That wait to be read again; of more the oldest are not.
  static constexpr size_t kMaxWaiting = 16'384;
  // So much of the command line is compared.
  static constexpr size_t kComparedBytes = 4096;

  struct Counters {
    uint64_t compared = 0;
    uint64_t changed = 0;
    uint64_t renamed = 0;  // that are said to run another file
    uint64_t skipped = 0;  // for too many others
  };

  // `procfs` is kept by reference.
  explicit ProgramWatch(Procfs& procfs) : procfs_(procfs) {}

  // A program began: what was read of it at once.
  void note(uint32_t pid, const ExecImage& image, int64_t now_ns);
  // The process ended, or runs a program that was not read.
  void forget(uint32_t pid) { latest_.erase(pid); }
  // Events were lost: nobody knows who runs other programs now.
  void forget_all() { latest_.clear(); }
  // Reads those whose time has come, and tells which have changed.
  void look(int64_t now_ns, const std::function<void(const ProgramChange&)>& tell);

  const Counters& counters() const { return counters_; }

 private:
  struct Waiting {
    uint64_t serial = 0;
    int64_t due_ns = 0;
    uint32_t pid = 0;
    bool moved = false;  // when it was read at once, already
    bool again = false;  // looked at before, and in doubt
    uint64_t start_ticks = 0;
    uint64_t start_stack = 0;
    uint64_t arg_start = 0;
    size_t hash = 0;
    std::optional<FileIdentity> file;
  };

  void look(Waiting waiting, const std::function<void(const ProgramChange&)>& tell);
  bool read_again(const Waiting& waiting, ProcStat& stat);
  void compare_arguments(const Waiting& waiting, const ProcStat& stat,
                         const std::function<void(const ProgramChange&)>& tell);

  Procfs& procfs_;
  std::deque<Waiting> waiting_;                    // by time
  std::unordered_map<uint32_t, uint64_t> latest_;  // by pid: the serial of its program
  uint64_t serial_ = 0;
  Counters counters_;
  std::string stat_;
  std::string cmdline_;
  std::string link_;
  std::optional<FileIdentity> file_;
};

}  // namespace detectd
