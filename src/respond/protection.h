// Who is never touched, whatever a rule says: init, the kernel's threads, detectd and those that it descends from, and
// what the configuration names. One answer for all who ask: a hunt by what recorded events carry, `deny` and the
// responder by what the host tells besides.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/process.h"
#include "src/respond/file_key.h"

namespace detectd {

struct ProtectedList {
  std::vector<std::string> executables = {};  // absolute paths
  std::vector<std::string> units = {};        // of systemd
};

// What is known of a process that something is to be done to.
struct ResponseTarget {
  uint32_t pid = 0;
  uint32_t parent_pid = 0;           // 0: unknown, or none
  bool kernel_thread = false;        // for certain
  std::string_view executable = {};  // empty: unknown, or a thread of the kernel
  bool foreign_path = false;         // that path may lead to another file for us
  std::optional<FileKey> file = {};  // of the executable
  bool file_deleted = false;
  std::string_view unit = {};    // empty: unknown, or none
  std::string_view cgroup = {};  // path; empty: unknown
};
// As an event tells of its own process, and as the lineage knows one. They point into it.
ResponseTarget response_target(const Event& event);
ResponseTarget response_target(const Process& process);

class Protection {
 public:
  // What only the host itself knows, while it runs.
  struct Host {
    // The file that has this path for us.
    std::function<std::optional<FileKey>(const std::string& path)> file = {};
    // Who started it; 0: nobody, or there is no such process.
    std::function<uint32_t(uint32_t pid)> parent = {};
    // Whether it is, for certain, in another user namespace than we are.
    std::function<bool(uint32_t pid)> other_users = {};
    uint32_t self = 0;  // our pid
  };

  // Of recorded days: nobody is asked, and paths are taken for what they say.
  explicit Protection(ProtectedList list) : list_(std::move(list)) {}
  Protection(ProtectedList list, Host host);
  void set(ProtectedList list) { list_ = std::move(list); }

  // Asks the host who our ancestors are now; with a time, if it did not so in the second before. `now_ns` only goes
  // forward.
  void look_around();
  void look_around(int64_t now_ns);

  // In a few words, as `pid 1` or `ssh.service`; empty for a process that may be touched. Points into the list, or at
  // a literal.
  std::string_view why(const ResponseTarget& target) const;
  bool covers(const ResponseTarget& target) const { return !why(target).empty(); }

 private:
  bool is_executable(const ResponseTarget& target, const std::string& path) const;

  ProtectedList list_;
  Host host_;
  std::vector<uint32_t> own_;  // ourselves and our ancestors
  int64_t looked_around_ns_ = 0;
};

}  // namespace detectd
