// The text of procfs, proc_pid_stat(5) and its neighbours. Pure functions, safe on any bytes; views point into
// what was parsed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

// Of /proc/PID/stat. What the kernel does not tell is 0: of a process in its last moments, and addresses to a
// reader who may not know them.
struct ProcStat {
  std::string_view thread_name;  // any bytes: brackets and newlines too
  char state = '?';
  uint32_t parent_pid = 0;
  uint32_t group_leader = 0;
  uint32_t session_leader = 0;
  uint32_t terminal = 0;  // device number as the kernel packs it; 0: none
  uint64_t flags = 0;
  uint64_t start_ticks = 0;  // since boot
  uint64_t start_stack = 0;
  uint64_t arg_start = 0;
  uint64_t arg_end = 0;

  bool is_kernel_thread() const { return (flags & 0x00200000u) != 0; }
  // Whether two reads of one process saw the same program run: an exec moves stack and arguments.
  bool same_image(const ProcStat& other) const {
    return start_stack == other.start_stack && arg_start == other.arg_start;
  }
};
std::optional<ProcStat> parse_stat(std::string_view text);

struct DeviceNumber {
  uint32_t major = 0;
  uint32_t minor = 0;
};
DeviceNumber unpack_device(uint32_t packed);

// Real, effective and saved id.
struct ProcIds {
  uint32_t real = 0;
  uint32_t effective = 0;
  uint32_t saved = 0;
};

// Of /proc/PID/status.
struct ProcStatus {
  std::optional<ProcIds> user;
  std::optional<ProcIds> group;
  bool has_groups = false;
  std::vector<uint32_t> groups;  // supplementary; at most kMaxGroups
  std::optional<uint64_t> effective_capabilities;
  std::optional<uint32_t> innermost_pid;  // in its own pid namespace

  static constexpr size_t kMaxGroups = 4096;
};
// Fills a used `status`.
void parse_status(std::string_view text, ProcStatus& status);

// "CAP_CHOWN" for 0, ... "CAP_63" for one that has no name yet. `bit` is below 64.
std::string_view capability_name(unsigned bit);

// Those with which a process can become root (amounts_to_root), bit by number.
uint64_t root_capabilities();

// Inode of `mnt:[4026531841]`.
std::optional<uint64_t> parse_namespace(std::string_view link);

// The login uid of /proc/PID/loginuid; nothing for text that is none.
std::optional<uint32_t> parse_login_uid(std::string_view text);
inline constexpr uint32_t kNoLoginUid = UINT32_MAX;  // nobody logged in

// Arguments, or NAME=value of an environment: each ends with a NUL, the last one perhaps without.
class NulSeparated {
 public:
  explicit NulSeparated(std::string_view bytes) : rest_(bytes) {}
  bool next(std::string_view& text);

 private:
  std::string_view rest_;
};
size_t count_nul_separated(std::string_view bytes);

}  // namespace detectd
