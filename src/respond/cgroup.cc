#include "src/respond/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <charconv>
#include <memory>
#include <string_view>

namespace detectd {
namespace {

Fd open_hierarchy() {
  for (const char* const path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
    Fd directory(::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct statfs system {};
    if (directory && fstatfs(directory.number(), &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC) {
      return directory;
    }
  }
  return Fd();
}

Fd open_beneath(int directory, const char* path, uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  return Fd(static_cast<int>(syscall(SYS_openat2, directory, path, &how, sizeof how)));
}

bool write_to(int directory, const char* file, std::string_view text) {
  const Fd opened = open_beneath(directory, file, O_WRONLY);
  return opened && ::write(opened.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool append_pids(int directory, std::vector<uint32_t>& pids) {
  const Fd file = open_beneath(directory, "cgroup.procs", O_RDONLY);
  if (!file) return false;
  std::string text;
  char buffer[4096];
  ssize_t got = 0;
  while ((got = ::read(file.number(), buffer, sizeof buffer)) > 0 &&
         text.size() < Cgroup::kMaxProcesses * 12) {
    text.append(buffer, static_cast<size_t>(got));
  }
  if (got != 0) return false;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    uint32_t pid = 0;
    const auto read = std::from_chars(at, end, pid);
    // 0: a process that our pid namespace does not show.
    if (read.ec != std::errc() || pid == 0 || pids.size() == Cgroup::kMaxProcesses) return false;
    pids.push_back(pid);
    at = read.ptr + 1;
  }
  return true;
}

bool append_all_pids(int directory, int depth, std::vector<uint32_t>& pids) {
  if (depth > Cgroup::kMaxDepth || !append_pids(directory, pids)) return false;
  Fd again = open_beneath(directory, ".", O_RDONLY | O_DIRECTORY);
  if (!again) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(fdopendir(again.number()), closedir);
  if (!entries) return false;
  again.release();
  while (const dirent* const entry = readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    const Fd below = open_beneath(directory, entry->d_name, O_PATH | O_DIRECTORY);
    if (!below || !append_all_pids(below.number(), depth + 1, pids)) return false;
  }
  return true;
}

}  // namespace

Cgroup Cgroup::open(const std::string& path) {
  Cgroup group;
  if (path.size() < 2 || path.front() != '/') return group;
  const Fd hierarchy = open_hierarchy();
  if (hierarchy) group.directory_ = open_beneath(hierarchy.number(), path.c_str() + 1, O_PATH | O_DIRECTORY);
  return group;
}

bool Cgroup::list(std::vector<uint32_t>& pids) const {
  pids.clear();
  return directory_ && append_all_pids(directory_.number(), 0, pids);
}

bool Cgroup::freeze(bool frozen) const {
  return directory_ && write_to(directory_.number(), "cgroup.freeze", frozen ? "1" : "0");
}

bool Cgroup::end_all() const { return directory_ && write_to(directory_.number(), "cgroup.kill", "1"); }

}  // namespace detectd
