// What the guard does (exec_guard.h). It runs in a process that was cloned out of one with threads, so it takes
// no lock and no memory, and calls nothing that does.
#pragma once

#include <cstdint>
#include <span>

#include "src/enrich/exec_image.h"
#include "src/live/exec_guard.h"

namespace detectd {

// What it tells back: whether an exec may go on.
struct GuardVerdict {
  uint64_t number = 0;
  uint64_t deny = 0;
};

struct GuardOrders {
  int socket = -1;
  std::span<const char* const> paths;
  std::span<const FileIdentity> spared;
  uint32_t daemon = 0;  // its pid
  bool permission = true;
  int64_t deadline_ns = 0;
  GuardCounters* counters = nullptr;
};

// A group that watches these file systems; else kFailed, and why.
struct ExecGroup {
  int number = -1;
  GuardMessage failure;
};
ExecGroup open_exec_group(std::span<const char* const> paths, bool permission);

[[noreturn]] void run_exec_guard(const GuardOrders& orders);

}  // namespace detectd
