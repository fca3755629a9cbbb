#include "src/live/connection_poller.h"

#include <utility>

namespace detectd {
namespace {

// Whoever is still being called by another host is not connected.
constexpr uint32_t kTcpStates =
    bit_of(SocketState::kEstablished) | bit_of(SocketState::kSynSent) | bit_of(SocketState::kFinWait1) |
    bit_of(SocketState::kFinWait2) | bit_of(SocketState::kTimeWait) | bit_of(SocketState::kCloseWait) |
    bit_of(SocketState::kLastAck) | bit_of(SocketState::kListen) | bit_of(SocketState::kClosing);
constexpr uint32_t kUdpStates = bit_of(SocketState::kEstablished) | bit_of(SocketState::kClosed);

}  // namespace

ConnectionPoller::ConnectionPoller(Options options)
    : options_(options), owners_({.procfs = options.procfs, .max_descriptors = options.max_descriptors}) {}

Status ConnectionPoller::poll(std::vector<Connection>& ready) {
  ++counters_.looks;
  if (Status status = read_sockets(); !status) {
    ++counters_.failed_looks;
    return status;
  }
  connections_.update(sockets_, is_cut_ ? Connections::Look::kCut : Connections::Look::kAll);
  owners_.find(connections_.wanted(),
               [this](uint64_t inode, uint32_t pid) { connections_.resolve(inode, pid); });
  const size_t first = ready.size();
  connections_.take(ready);
  for (size_t i = first; i < ready.size(); ++i) {
    ++(ready[i].accepted ? counters_.accepted : counters_.attempted);
    if (!ready[i].pid) ++counters_.without_process;
  }
  return {};
}

Status ConnectionPoller::read_sockets() {
  sockets_.clear();
  is_cut_ = false;
  const auto keep = [this](const DiagSocket& socket) {
    if (sockets_.size() < options_.max_sockets) {
      sockets_.push_back(socket);
    } else {
      is_cut_ = true;
      ++counters_.sockets_left_out;
    }
    return true;
  };
  if (Status status = list_sockets({.udp = false, .states = kTcpStates}, buffer_, keep); !status)
    return status;
  // A kernel may have been built without lists of UDP.
  static_cast<void>(list_sockets({.udp = true, .states = kUdpStates}, buffer_, keep));
  return {};
}

ConnectionPoller::Counters ConnectionPoller::counters() const {
  Counters counters = counters_;
  counters.owners = owners_.counters();
  return counters;
}

}  // namespace detectd
