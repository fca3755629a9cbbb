// Looks at the sockets of this network namespace, and finds the processes of new connections. What is connected and
// closed between two looks is seen only where the kernel still remembers it (TIME_WAIT), and then without a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/enrich/sock_diag.h"
#include "src/live/connections.h"
#include "src/live/socket_owners.h"

namespace detectd {

// One a thread.
class ConnectionPoller {
 public:
  struct Options {
    int procfs = -1;              // root of a procfs, borrowed
    size_t max_sockets = 65'536;  // that are looked at
    size_t max_descriptors = 16'384;
  };
  struct Counters {
    uint64_t looks = 0;
    uint64_t failed_looks = 0;
    uint64_t sockets_left_out = 0;  // beyond the bound, all looks together
    uint64_t attempted = 0;
    uint64_t accepted = 0;
    uint64_t without_process = 0;  // of both
    SocketOwners::Counters owners;
  };

  explicit ConnectionPoller(Options options);

  // A look: appends what was connected since the last one. The first one finds nothing.
  Status poll(std::vector<Connection>& ready);
  // The next look is the first one again.
  void forget() { connections_.forget(); }

  Counters counters() const;

 private:
  Status read_sockets();

  Options options_;
  Connections connections_;
  SocketOwners owners_;
  std::vector<DiagSocket> sockets_;
  bool is_cut_ = false;
  std::string buffer_;
  Counters counters_;
};

}  // namespace detectd
