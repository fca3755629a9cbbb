#include "src/live/host_view.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <string>

#include "src/enrich/procfs_parse.h"

namespace detectd {
namespace {

// Inodes of the host's own namespaces (include/linux/proc_ns.h: PROC_USER_INIT_INO, PROC_PID_INIT_INO).
constexpr ino_t kHostUserNamespace = 0xEFFFFFFD;
constexpr ino_t kHostPidNamespace = 0xEFFFFFFC;

// `self` is us also where the procfs is of another pid namespace, and numbers us otherwise than getpid().
bool are_in(int procfs, const char* link, ino_t inode) {
  struct stat info {};
  return fstatat(procfs, link, &info, 0) == 0 && info.st_ino == inode;
}

}  // namespace

Status check_visibility(Procfs& procfs) {
  // Its executable may be closed to root too; these are not, unless processes are hidden.
  std::string stat;
  std::string status;
  const bool seen = procfs.select(1) && procfs.read(ProcFile::kStat, 4096, stat) &&
                    procfs.read(ProcFile::kStatus, size_t{64} << 10, status) && parse_stat(stat);
  procfs.release();
  ProcStatus ids;
  parse_status(status, ids);
  if (seen && ids.user) return {};
  return Error{
      Errc::kPermission,
      "/proc/1 cannot be read: processes of others are hidden (hidepid=, or a masked /proc); run detectd as "
      "root with CAP_SYS_PTRACE, and with the host's /proc"};
}

Status check_host_view(int procfs) {
  if (!are_in(procfs, "self/ns/pid", kHostPidNamespace)) {
    return Error{
        Errc::kSystem,
        "this is a pid namespace of its own: the processes of the host cannot be seen; run detectd on the "
        "host, or its container with --pid=host"};
  }
  if (!are_in(procfs, "self/ns/user", kHostUserNamespace)) {
    return Error{
        Errc::kSystem,
        "this is a user namespace of its own: the kernel tells it nothing; run detectd outside of it"};
  }
  RealProcfs processes(procfs);
  return check_visibility(processes);
}

}  // namespace detectd
