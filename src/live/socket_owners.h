// Which processes hold sockets: by the links in /proc/PID/fd, of which each costs a system call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace detectd {

class SocketOwners {
 public:
  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    // In a search, half of them of processes that held a socket before; the next one goes on where this one broke off.
    size_t max_descriptors = 16'384;
  };
  struct Counters {
    uint64_t searches = 0;
    uint64_t descriptors = 0;  // read
    uint64_t cut = 0;          // searches that broke off
  };

  explicit SocketOwners(Options options) : options_(options) {}

  // Looks through the descriptors of processes, those that held a socket before first, then the newest first, until
  // all are found. `inodes` are ascending. Of several processes that share a socket one is told.
  void find(std::span<const uint64_t> inodes, const std::function<void(uint64_t inode, uint32_t pid)>& found);

  const Counters& counters() const { return counters_; }

 private:
  struct Search {
    std::span<const uint64_t> inodes;
    const std::function<void(uint64_t inode, uint32_t pid)>& found;
    std::vector<bool> done;
    size_t left = 0;         // inodes
    size_t descriptors = 0;  // that may still be read
    size_t kept = 0;         // of them, for processes that come later
    bool cut = false;
  };

  void list_processes();
  void look_through(uint32_t pid, Search& search);

  // Processes that are looked through before all others.
  static constexpr size_t kMaxOwners = 256;

  Options options_;
  std::vector<uint32_t> owners_;
  std::vector<uint32_t> pids_;
  std::vector<uint32_t> descriptors_;
  uint32_t resume_below_ = UINT32_MAX;
  Counters counters_;
  std::vector<char> buffer_;
};

}  // namespace detectd
