// What is read of a process at once after its exec: what a process that soon ends or runs another program
// takes with it. Buffers are used again: moving one through a queue allocates nothing once they have grown.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/enrich/procfs_parse.h"
#include "src/enrich/socket_peer.h"

namespace detectd {

struct FileIdentity {
  uint32_t device_major = 0;
  uint32_t device_minor = 0;
  uint64_t inode = 0;
  uint64_t links = 0;
  uint32_t owner = 0;
  uint32_t mode = 0;  // type and permissions

  bool same_file(const FileIdentity& other) const {
    return device_major == other.device_major && device_minor == other.device_minor && inode == other.inode;
  }
};

// Of an open descriptor of a process.
struct ProcStream {
  bool open = false;
  uint32_t mode = 0;          // type and permissions
  uint32_t device_major = 0;  // which device it is, for device files
  uint32_t device_minor = 0;
  uint64_t inode = 0;
};

// What the kernel told of a process at its exec, which else is read of it later.
struct ToldProcess {
  ProcStat stat;  // but for the name of the thread, and the parent
  std::string thread_name;
  ProcStatus status;
  std::optional<uint32_t> login_uid;
  uint64_t mount_namespace = 0;
  uint64_t file_mount_namespace = 0;  // in which the executable's path leads to it; 0: in none
  uint64_t user_namespace = 0;
  std::string root;    // empty: not told
  std::string cgroup;  // /proc/PID/cgroup; the same
  std::array<std::optional<ProcStream>, 3> streams;
  std::array<std::optional<SocketPeer>, 3> peers;
};

// Text is as the kernel gave it: any bytes. Empty: could not be had.
struct ExecImage {
  std::string cmdline;             // at most the bound of ExecReader; empty for a kernel thread too
  std::string cmdline_tail;        // what follows `cmdline`; where cmdline_truncated: its last bytes
  bool cmdline_truncated = false;  // bytes between `cmdline` and `cmdline_tail` were not read
  std::string executable;          // the text of the link /proc/PID/exe
  std::optional<FileIdentity> file;
  std::string stat;  // /proc/PID/stat
  std::string working_directory;
  std::optional<uint64_t> capabilities;  // effective ones, bit by number
  // Of the process's files in procfs: its effective uid, or root of its user namespace where it may not be read by
  // others of that uid.
  std::optional<uint32_t> owner;
  // Then all of it is of the moment of the exec, and `stat` and `owner` stay empty.
  bool is_told = false;
  ToldProcess told;

  // The view in it is of this image.
  std::optional<ProcStat> parsed_stat() const {
    if (!is_told) return parse_stat(stat);
    ProcStat result = told.stat;
    result.thread_name = told.thread_name;
    return result;
  }

  // Keeps the capacity, but not that of an unusually long command line.
  void clear() {
    constexpr size_t kKeptBytes = size_t{16} << 10;
    if (cmdline.capacity() > kKeptBytes) cmdline = {};
    if (cmdline_tail.capacity() > kKeptBytes) cmdline_tail = {};
    cmdline.clear();
    cmdline_tail.clear();
    cmdline_truncated = false;
    executable.clear();
    file.reset();
    stat.clear();
    working_directory.clear();
    capabilities.reset();
    owner.reset();
    is_told = false;
  }
};

// Which program of a process it is.
struct ProgramIdentity {
  uint64_t start_ticks = 0;  // of the process
  uint64_t start_stack = 0;
  uint64_t arg_start = 0;
};

}  // namespace detectd
