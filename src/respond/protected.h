// Which processes no rule ends, whatever it says. Arithmetic alone, so that a hunt in recorded days and a
// daemon get one answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

struct ProtectedList {
  std::vector<std::string> executables;  // absolute paths
  std::vector<std::string> units;        // of systemd
};

// What is known of a process that is to be ended.
struct ResponseTarget {
  uint32_t pid = 0;
  uint32_t parent_pid = 0;      // 0: unknown, or none
  std::string_view executable;  // empty: unknown, or a thread of the kernel
  std::string_view unit;        // empty: unknown, or none
  bool ours = false;            // this program, what it started, or what started it
};

// In a few words, as `pid 1` or `ssh.service`; empty for a process that may be ended. Points into `list`, or at
// a literal.
std::string_view why_protected(const ResponseTarget& target, const ProtectedList& list);

}  // namespace detectd
