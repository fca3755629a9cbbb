#include "src/enrich/procfs.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <memory>
#include <string>

#include "src/enrich/file_identity.h"

namespace detectd {
namespace {

constexpr const char* name_of(ProcFile file) {
  switch (file) {
    case ProcFile::kStat: return "stat";
    case ProcFile::kStatus: return "status";
    case ProcFile::kCgroup: return "cgroup";
    case ProcFile::kLoginUid: return "loginuid";
    case ProcFile::kEnviron: return "environ";
    case ProcFile::kCmdline: return "cmdline";
  }
  return "";
}

constexpr const char* name_of(ProcLink link) {
  switch (link) {
    case ProcLink::kRoot: return "root";
    case ProcLink::kMountNamespace: return "ns/mnt";
    case ProcLink::kUserNamespace: return "ns/user";
    case ProcLink::kExecutable: return "exe";
  }
  return "";
}

std::string reason(int number) { return std::generic_category().message(number); }

// A procfs of our own pid namespace, attached to no tree. On failure errno says why.
Fd mount_private_procfs() {
  const Fd context(static_cast<int>(syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC)));
  if (!context) return {};
  if (syscall(SYS_fsconfig, context.number(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  constexpr unsigned kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  return Fd(static_cast<int>(syscall(SYS_fsmount, context.number(), FSMOUNT_CLOEXEC, kAttributes)));
}

std::array<char, 24> file_name(std::string_view directory, uint64_t number) {
  std::array<char, 24> name{};
  char* const begin = std::copy(directory.begin(), directory.end(), name.data());
  std::to_chars(begin, name.data() + name.size() - 1, number);
  return name;
}

}  // namespace

Result<OwnProcfs> open_own_procfs() {
  OwnProcfs procfs;
  procfs.root = mount_private_procfs();
  if (procfs.root) {
    procfs.is_private = true;
    return procfs;
  }
  procfs.why_not_private = "mount a private procfs: " + reason(errno);
  procfs.root = Fd(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!procfs.root) return Error{Errc::kSystem, "open /proc: " + reason(errno)};
  return procfs;
}

RealProcfs::RealProcfs(int root) : root_(root), buffer_(size_t{128} << 10) {}

bool RealProcfs::select(uint32_t pid) {
  pid_ = pid;
  process_.reset(openat(root_, file_name("", pid).data(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return static_cast<bool>(process_);
}

void RealProcfs::release() { process_.reset(); }

bool RealProcfs::read(ProcFile file, size_t max_bytes, std::string& text) {
  text.clear();
  const Fd opened(openat(process_.number(), name_of(file), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened) return false;
  const size_t room = std::min(max_bytes, buffer_.size());
  size_t size = 0;
  // These files give all there is at once, unless it is more than fits.
  constexpr size_t kPageBytes = 4096;
  while (size < room) {
    const ssize_t got = ::read(opened.number(), buffer_.data() + size, room - size);
    if (got < 0) return false;
    size += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < std::min(kPageBytes, room - size)) break;
  }
  text.assign(buffer_.data(), size);
  return true;
}

bool RealProcfs::read_link(ProcLink link, std::string& text) {
  text.clear();
  const ssize_t got = readlinkat(process_.number(), name_of(link), buffer_.data(), PATH_MAX + 64);
  if (got <= 0) return false;
  text.assign(buffer_.data(), static_cast<size_t>(got));
  return true;
}

std::optional<ProcStream> RealProcfs::stream(unsigned number) {
  struct statx info {};
  const auto name = file_name("fd/", number);
  constexpr int kFlags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
  if (statx(process_.number(), name.data(), kFlags, STATX_TYPE | STATX_INO, &info) != 0) {
    if (errno != ENOENT) return std::nullopt;
    // Without this descriptor, or without the process.
    struct stat directory {};
    if (fstatat(process_.number(), "fd", &directory, 0) != 0) return std::nullopt;
    return ProcStream{};
  }
  return ProcStream{.open = true,
                    .mode = info.stx_mode,
                    .device_major = info.stx_rdev_major,
                    .device_minor = info.stx_rdev_minor,
                    .inode = info.stx_ino};
}

std::optional<SocketPeer> RealProcfs::socket_peer(unsigned number, uint64_t inode) {
  return peers_.find(pid_, number, inode);
}

std::optional<FileIdentity> RealProcfs::executable() {
  return identify_file(process_.number(), "exe", FollowLink::kYes);
}

Fd RealProcfs::hold_executable() { return Fd(openat(process_.number(), "exe", O_PATH | O_CLOEXEC)); }

std::optional<FileIdentity> RealProcfs::host_file(const std::string& path) {
  // What runs is in the cache of names under the path it was found by; a look further could be made to wait
  // by whoever serves a file system.
  open_how how{};
  how.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_CACHED;
  Fd file(static_cast<int>(syscall(SYS_openat2, AT_FDCWD, path.c_str(), &how, sizeof(how))));
  if (!file && (errno == EINVAL || errno == ENOSYS)) {
    file = Fd(open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));  // before Linux 5.12
  }
  if (!file) return std::nullopt;
  return identify_file(file.number(), "", FollowLink::kNo);
}

Status RealProcfs::list(std::vector<uint32_t>& pids) {
  pids.clear();
  Fd opened(openat(root_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(opened.number()), closedir);
  if (!directory) return Error{Errc::kSystem, "list the processes of procfs: " + reason(errno)};
  opened.release();  // closed with the directory
  while (const dirent* const entry = readdir(directory.get())) {
    const std::string_view name(entry->d_name);
    uint32_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc{} && end == name.data() + name.size()) pids.push_back(pid);
  }
  return {};
}

}  // namespace detectd
