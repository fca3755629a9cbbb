#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
#include <vector>

#include "src/clock.h"
#include "src/live/receiver.h"
#include "src/probe/probe_fd.h"
#include "src/probe/probes.h"
#include "src/sources/exec_probe.h"

namespace detectd {
namespace {

constexpr const char* kHostPids = "run in the host's pid namespace (docker run --pid=host)";

// Bytes read, or -1.
ssize_t read_some(const std::string& path) {
  const ProbeFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.good()) return -1;
  char buffer[4096];
  return ::read(file.get(), buffer, sizeof buffer);
}

Finding probe_namespace(std::string_view name, const char* path, ino_t of_host, const char* remedy) {
  struct stat own {};
  if (stat(path, &own) != 0) return refused(name, "stat " + std::string(path), "mount /proc");
  if (own.st_ino == of_host) return found(name, "the host's");
  return lacking(name, "not the host's", remedy);
}

Finding probe_pid_namespace() {
  return probe_namespace("pid namespace", "/proc/self/ns/pid", 0xEFFFFFFC, kHostPids);
}

Finding probe_user_namespace() {
  return probe_namespace("user namespace", "/proc/self/ns/user", 0xEFFFFFFD,
                         "run in the host's user namespace (not rootless)");
}

Finding probe_proc() {
  constexpr std::string_view kName = "/proc";
  for (const char* const path : {"/proc/1/stat", "/proc/1/status"}) {
    if (read_some(path) <= 0)
      return lacking(kName, std::string(path) + " can not be read",
                     "mount /proc without hidepid, or run as root");
  }
  return found(kName, "processes of others can be read");
}

// Those of kernel threads are absent for everybody.
Finding probe_executables() {
  constexpr std::string_view kName = "executables";
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  size_t hidden = 0;
  for (const dirent* entry = nullptr; proc && (entry = readdir(proc.get()));) {
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    const std::string path = std::string("/proc/") + entry->d_name;
    struct stat owner {};
    char target[16];
    if (stat(path.c_str(), &owner) != 0) continue;
    const bool seen = readlink((path + "/exe").c_str(), target, sizeof target) > 0;
    const bool by_right = owner.st_uid != geteuid() || geteuid() == 0;
    if (seen && by_right) return found(kName, "what others run can be read");
    if (!seen && errno == EACCES) ++hidden;
  }
  if (hidden == 0) return found(kName, "there is nobody else");
  return lacking(kName, "what others run can not be read", "run as root, or with CAP_SYS_PTRACE");
}

Finding probe_own_procfs() {
  constexpr std::string_view kName = "own procfs";
  constexpr const char* kNeeds =
      "CAP_SYS_ADMIN, in a kernel from 5.2 on; without it /proc is used as it is mounted";
  constexpr unsigned kCloseOnExec = 1;
  constexpr unsigned kCreate = 6;  // FSCONFIG_CMD_CREATE
  const ProbeFd context(syscall(SYS_fsopen, "proc", kCloseOnExec));
  if (!context.good()) return refused(kName, "fsopen", kNeeds);
  if (syscall(SYS_fsconfig, context.get(), kCreate, nullptr, nullptr, 0) != 0)
    return refused(kName, "fsconfig", kNeeds);
  const ProbeFd mounted(syscall(SYS_fsmount, context.get(), kCloseOnExec, 0));
  if (!mounted.good()) return refused(kName, "fsmount", kNeeds);
  return found(kName, "nobody can mount over it");
}

Finding probe_scheduling() {
  constexpr std::string_view kName = "SCHED_FIFO";
  int fifo = 0;
  int nice = 0;
  // In a thread, and that ends with it.
  std::thread([&] {
    const sched_param lowest{.sched_priority = 1};
    fifo = sched_setscheduler(0, SCHED_FIFO, &lowest) == 0 ? 0 : errno;
    if (fifo != 0) nice = setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), -20) == 0 ? 0 : errno;
  }).join();
  rlimit limit{};
  getrlimit(RLIMIT_RTTIME, &limit);
  constexpr rlim_t kWantedUs = Receiver::kMaxRunNs / 1000;
  if (fifo == 0 && limit.rlim_max <= kWantedUs) {
    return lacking(kName, "real time ends with a kill after " + std::to_string(limit.rlim_max) + " us",
                   "LimitRTTIME=infinity in the unit, or ulimit -HR unlimited");
  }
  if (fifo == 0) {
    return found(kName, "the receiving thread comes first, for at most " +
                            std::to_string(kWantedUs / 1'000'000) + " s without a pause (RLIMIT_RTTIME)");
  }
  const std::string instead = nice == 0 ? "nice -20 works instead" : "nor does nice -20";
  return lacking(kName, std::string(std::strerror(fifo)) + ", " + instead,
                 "CAP_SYS_NICE, and cpu.rt_runtime_us in a cgroup of version 1");
}

// Signal 0, which only asks, to pid 1.
Finding probe_pidfd() {
  constexpr std::string_view kName = "pidfd";
  constexpr const char* kNeeds =
      "root or CAP_KILL, and a kernel from 5.3 on; nothing is ever killed by its pid";
  const ProbeFd pidfd(syscall(SYS_pidfd_open, 1, 0));
  if (!pidfd.good()) return refused(kName, "pidfd_open", kNeeds);
  if (syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0) != 0)
    return refused(kName, "pidfd_send_signal", kNeeds);
  return found(kName, "others can be signalled, and nobody in their place");
}

Finding probe_pidfd_info() {
  constexpr std::string_view kName = "PIDFD_GET_INFO";
  struct Info {
    uint64_t mask = 1 | 2 | 4;  // pid, ids, cgroup
    uint64_t cgroup = 0;
    uint32_t pid = 0;
    uint32_t rest[11] = {};
  };
  static_assert(sizeof(Info) == 64);
  constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, Info);
  const ProbeFd pidfd(syscall(SYS_pidfd_open, getpid(), 0));
  Info info;
  if (!pidfd.good() || ioctl(pidfd.get(), kGetInfo, &info) != 0)
    return refused(kName, "ioctl", "needs a kernel from 6.13 on; /proc is read instead");
  return found(kName, "ids, parent and cgroup in one call");
}

// Where cgroups of version 2 are mounted; empty if nowhere.
std::string cgroup_root() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string word;
    for (int i = 0; i < 5; ++i) words >> word;
    return word;
  }
  return {};
}

Finding probe_cgroup_kill() {
  constexpr std::string_view kName = "cgroup.kill";
  const std::string root = cgroup_root();
  if (root.empty()) return lacking(kName, "no cgroups of version 2", "mount cgroup2");
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(opendir(root.c_str()), closedir);
  std::string why = "no cgroup has it";
  bool any = false;
  for (int seen = 0; opened && seen < 256; ++seen) {
    const dirent* const entry = readdir(opened.get());
    if (entry == nullptr) break;
    struct stat found_there {};
    const std::string directory = root + "/" + entry->d_name;
    if (entry->d_name[0] == '.' || stat(directory.c_str(), &found_there) != 0) continue;
    if (!S_ISDIR(found_there.st_mode)) continue;
    any = true;
    const std::string file = directory + "/cgroup.kill";
    if (access(file.c_str(), W_OK) == 0) return found(kName, "a cgroup can be killed at once");
    if (errno == EACCES || errno == EPERM || errno == EROFS) why = std::strerror(errno);
  }
  if (!any && access(root.c_str(), W_OK) == 0)
    return found(kName, "for cgroups of version 2; there is none yet");
  return lacking(kName, why, "root, and a kernel from 5.14 on");
}

// Asks for leave to run a file that nobody can run: it has no name.
Finding probe_fanotify() {
  constexpr std::string_view kName = "fanotify";
  constexpr const char* kNeeds = "CAP_SYS_ADMIN, and CONFIG_FANOTIFY_ACCESS_PERMISSIONS, to deny an exec";
  const ProbeFd group(fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
  if (!group.good()) return refused(kName, "fanotify_init", kNeeds);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::tmpfile(), std::fclose);
  if (!file) return refused(kName, "a temporary file", "make /tmp writable");
  const std::string path = "/proc/self/fd/" + std::to_string(fileno(file.get()));
  if (fanotify_mark(group.get(), FAN_MARK_ADD, FAN_OPEN_EXEC_PERM, AT_FDCWD, path.c_str()) != 0)
    return refused(kName, "fanotify_mark", kNeeds);
  return found(kName, "an exec can be denied (FAN_OPEN_EXEC_PERM)");
}

// The program itself, for a moment.
Finding probe_bpf() {
  constexpr std::string_view kName = "BPF";
  const auto probe = ExecProbe::load();
  if (probe) return found(kName, "what a program is is told at its exec");
  const bool refused = probe.error().code == Errc::kPermission;
  return lacking(kName, probe.error().message, refused ? "" : "needs Linux 5.17 or later, with BTF");
}

// What the race with short-lived processes is run with.
Finding probe_proc_speed() {
  constexpr std::string_view kName = "/proc speed";
  constexpr size_t kReads = 1000;
  std::vector<std::string> paths;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  for (const dirent* entry = nullptr; proc && paths.size() < kReads && (entry = readdir(proc.get()));) {
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
      paths.push_back(std::string("/proc/") + entry->d_name + "/cmdline");
  }
  if (paths.empty()) return lacking(kName, "/proc can not be listed", "mount /proc");
  const int64_t start_ns = steady_clock_ns();
  for (size_t i = 0; i < kReads; ++i) read_some(paths[i % paths.size()]);
  const int64_t each_us = (steady_clock_ns() - start_ns) / 1000 / static_cast<int64_t>(kReads);
  const std::string detail = std::to_string(each_us) + " us for a command line";
  constexpr int64_t kSlowUs = 100;
  if (each_us > kSlowUs)
    return lacking(kName, detail, "the machine is busy: short-lived processes will be missed");
  return found(kName, detail);
}

Finding probe_descriptors() {
  constexpr std::string_view kName = "descriptors";
  constexpr rlim_t kWanted = 8192;  // pidfds, sockets, and some to spare
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string detail =
      limit.rlim_max == RLIM_INFINITY ? "unlimited" : "up to " + std::to_string(limit.rlim_max);
  if (limit.rlim_max >= kWanted) return found(kName, detail);
  return lacking(kName, detail, "LimitNOFILE=65536 in the unit, or ulimit -Hn 65536");
}

Finding probe_kernel() {
  utsname system{};
  uname(&system);
  return found("kernel", std::string(system.release) + ", " + system.machine);
}

constexpr Finding (*kProbes[])() = {
    probe_kernel,     probe_pid_namespace, probe_user_namespace, probe_proc,       probe_executables,
    probe_proc_speed, probe_own_procfs,    probe_connector,      probe_event_mask, probe_receive_buffer,
    probe_scheduling, probe_descriptors,   probe_sock_diag,      probe_taskstats,  probe_audit,
    probe_bpf,        probe_fanotify,      probe_pidfd,          probe_pidfd_info, probe_cgroup_kill};

}  // namespace

std::span<Finding (*const)()> kernel_probes() { return kProbes; }

}  // namespace detectd
