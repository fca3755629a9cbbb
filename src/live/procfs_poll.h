// Processes by looking at /proc again and again, where the kernel tells nothing: a look is compared with the one
// before. What began and ended between the two is not seen.
//
//   there at the first look     already_running
//   new, or runs another        exec; fork where it still runs its parent's program
//   other ids                   uid_change, gid_change
//   gone                        end, without an exit code
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/event.h"
#include "engine/event_clock.h"
#include "engine/result.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_image.h"
#include "src/enrich/procfs.h"
#include "src/enrich/procfs_parse.h"

namespace detectd {

// One a thread.
class ProcfsPoll {
 public:
  using ReadImage = std::function<void(uint32_t pid, ExecImage& image)>;
  using Tell = std::function<void(Event& event)>;
  struct Counters {
    uint64_t looks = 0;
    uint64_t processes = 0;  // at the last look
  };

  // All are kept by reference but `read_image`, which reads what ExecReader does.
  ProcfsPoll(Procfs& procfs, ReadImage read_image, Enricher& enricher)
      : procfs_(procfs), read_image_(std::move(read_image)), enricher_(enricher) {}

  // Calls `tell` with the events of a look at `now`, parents before their children; it may take them.
  Status look(const Moment& now, const Tell& tell);

  const Counters& counters() const { return counters_; }

 private:
  struct Seen {
    uint32_t pid = 0;
    uint32_t parent_pid = 0;
    uint64_t start_ticks = 0;
    uint64_t start_stack = 0;  // 0: not told to us
    uint64_t arg_start = 0;
    bool kernel_thread = false;
    bool untold = false;   // it went before it could be told of
    bool settled = false;  // its program did not change while it was read
    std::array<char, 16> name{};
    std::optional<ProcIds> user;
    std::optional<ProcIds> group;
    uint64_t image_hash = 0;  // of command line and executable

    bool told() const { return start_stack != 0 && arg_start != 0; }
    bool same_addresses(const Seen& other) const {
      return start_stack == other.start_stack && arg_start == other.arg_start;
    }
    bool same_program(const Seen& other) const {
      return same_addresses(other) && name == other.name && image_hash == other.image_hash;
    }
    void take(const ProcStat& stat);
  };

  Status list();
  const Seen* find_before(uint32_t pid) const;
  void tell_ends(const Moment& now, const Tell& tell);
  void tell_new(Seen& seen, const Moment& now, const Tell& tell);
  void tell_changes(const Seen& before, Seen& seen, const Moment& now, const Tell& tell);
  void tell_ids(const Seen& before, const Seen& seen, const Moment& now, const Tell& tell);
  void tell_image(EventKind kind, Seen& seen, const Moment& now, const Tell& tell);
  bool read_image(Seen& seen);
  bool runs_program_of_parent(const Seen& seen) const;
  void begin(EventKind kind, uint32_t pid, const Moment& now);

  Procfs& procfs_;
  ReadImage read_image_;
  Enricher& enricher_;
  std::vector<Seen> before_;  // by pid
  std::vector<Seen> now_;     // by pid
  bool first_ = true;
  Counters counters_;

  // Scratch.
  std::vector<uint32_t> pids_;
  std::vector<Seen*> by_age_;
  std::string text_;
  ProcStatus status_;
  ExecImage image_;
  Event event_;
};

}  // namespace detectd
