#include "src/live/host_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <memory>
#include <string_view>

#include "src/enrich/cgroup_parse.h"
#include "src/enrich/file_identity.h"
#include "src/enrich/procfs_parse.h"
#include "src/live/protection_host.h"

namespace detectd {
namespace {

constexpr size_t kMaxTextBytes = size_t{16} << 10;
constexpr std::string_view kDeleted = " (deleted)";
constexpr uint64_t kExiting = 0x4;  // PF_EXITING
constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

FileKey key_of(const FileIdentity& file) {
  return {.device_major = file.device_major, .device_minor = file.device_minor, .inode = file.inode};
}

std::optional<uint32_t> number_of(std::string_view name) {
  uint32_t number = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
  if (read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return number;
}

class Directory {
 public:
  Directory(int base, const char* path)
      : entries_(fdopendir(openat(base, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), closedir) {}

  // The next entry that is a number.
  std::optional<uint32_t> next() {
    while (entries_) {
      const dirent* const entry = readdir(entries_.get());
      if (entry == nullptr) return std::nullopt;
      if (const auto number = number_of(entry->d_name)) return number;
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<DIR, int (*)(DIR*)> entries_;
};

}  // namespace

bool HostProcesses::read_text(int directory, const char* file) {
  const Fd opened(openat(directory, file, O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened) return false;
  text_.resize(kMaxTextBytes);
  const ssize_t got = ::read(opened.number(), text_.data(), text_.size());
  text_.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return got > 0;
}

void HostProcesses::read_executable(int directory, ProcessFacts& facts) {
  const auto identity = identify_file(directory, "exe", FollowLink::kYes);
  std::array<char, PATH_MAX + 64> link{};
  const ssize_t got = readlinkat(directory, "exe", link.data(), link.size());
  if (got > 0) facts.executable.assign(link.data(), static_cast<size_t>(got));
  if (!identity) return;
  facts.file = key_of(*identity);
  facts.file_deleted = identity->links == 0;
  if (facts.file_deleted && facts.executable.ends_with(kDeleted)) {
    facts.executable.resize(facts.executable.size() - kDeleted.size());
  }
}

// Of a process whose first thread ended its others still tell.
void HostProcesses::read_executable_of_others(int directory, ProcessFacts& facts) {
  Directory threads(directory, "task");
  for (auto thread = threads.next(); thread && !facts.file; thread = threads.next()) {
    const std::string path = "task/" + std::to_string(*thread);
    const Fd other(openat(directory, path.c_str(), kDirectory));
    if (other) read_executable(other.number(), facts);
  }
}

std::optional<ProcessFacts> HostProcesses::read(uint32_t pid) {
  const Fd directory(openat(procfs_, std::to_string(pid).c_str(), kDirectory));
  if (!directory || !read_text(directory.number(), "stat")) return std::nullopt;
  const auto stat = parse_stat(text_);
  if (!stat) return std::nullopt;
  ProcessFacts facts{.start_ticks = stat->start_ticks,
                     .parent_pid = stat->parent_pid,
                     .state = stat->state,
                     .kernel_thread = stat->is_kernel_thread(),
                     .start_stack = stat->start_stack,
                     .arg_start = stat->arg_start};
  const bool exiting = (stat->flags & kExiting) != 0;
  const bool is_zombie = stat->state == 'Z' || stat->state == 'X';
  read_executable(directory.number(), facts);
  if (!facts.file && !facts.kernel_thread) read_executable_of_others(directory.number(), facts);
  facts.ending = !facts.file && facts.executable.empty() && !facts.kernel_thread && (exiting || is_zombie);
  if (read_text(directory.number(), "cgroup")) {
    const CgroupPlace place = parse_cgroup(text_);
    facts.unit = place.unit;
    facts.unit_path = place.path;
    // The unified hierarchy's own line: `0::/system.slice/cron.service`.
    const size_t at = text_.starts_with("0::") ? 0 : text_.find("\n0::");
    if (at != std::string::npos) {
      const std::string_view line = std::string_view(text_).substr(at == 0 ? 3 : at + 4);
      facts.cgroup = line.substr(0, line.find('\n'));
    }
  }
  return facts;
}

void HostProcesses::list(std::vector<RunningProcess>& processes) {
  processes.clear();
  Directory all(procfs_, ".");
  for (auto pid = all.next(); pid; pid = all.next()) {
    if (!read_text(procfs_, (std::to_string(*pid) + "/stat").c_str())) continue;
    const auto stat = parse_stat(text_);
    if (!stat || stat->is_kernel_thread()) continue;
    processes.push_back({.pid = *pid, .parent_pid = stat->parent_pid, .start_ticks = stat->start_ticks});
  }
}

std::optional<FileKey> HostProcesses::file(const std::string& path) {
  const auto identity = identify_file(AT_FDCWD, path.c_str(), FollowLink::kYes);
  if (!identity) return std::nullopt;
  return key_of(*identity);
}

bool HostProcesses::has_other_users(uint32_t pid) { return is_in_other_user_namespace(procfs_, pid); }

}  // namespace detectd
