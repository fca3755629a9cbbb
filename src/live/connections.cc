#include "src/live/connections.h"

#include <algorithm>
#include <iterator>

namespace detectd {
namespace {

bool listens(const DiagSocket& socket) {
  return socket.udp ? socket.state == SocketState::kClosed && socket.local.port != 0
                    : socket.state == SocketState::kListen;
}

bool is_connection(const DiagSocket& socket) {
  return !listens(socket) && socket.state != SocketState::kClosed && socket.remote.port != 0;
}

// Nobody holds it, and nobody will.
bool is_left(const DiagSocket& socket) {
  return socket.inode == 0 && socket.state != SocketState::kEstablished &&
         socket.state != SocketState::kSynSent && socket.state != SocketState::kCloseWait;
}

}  // namespace

void Connections::update(std::span<const DiagSocket> sockets, Look look) {
  ++look_;
  note_listeners(sockets);
  now_.clear();
  for (const DiagSocket& socket : sockets) {
    if (!is_connection(socket)) continue;
    const Identity identity{.cookie = socket.cookie, .local = socket.local, .remote = socket.remote};
    now_.push_back(identity);
    if (!learnt_) continue;
    if (!std::binary_search(known_.begin(), known_.end(), identity)) {
      add(identity, socket);
    } else if (const auto waiting = waiting_.find(identity); waiting != waiting_.end() && socket.inode != 0) {
      waiting->second.connection.socket.inode = socket.inode;  // accepted since
    }
  }
  std::sort(now_.begin(), now_.end());
  if (look == Look::kAll) {
    known_.swap(now_);
    learnt_ = true;
  } else if (learnt_) {
    add_known();
  }
  list_wanted();
}

void Connections::add_known() {
  merged_.clear();
  std::set_union(known_.begin(), known_.end(), now_.begin(), now_.end(), std::back_inserter(merged_));
  known_.swap(merged_);
  if (known_.size() <= kMaxKnown) return;
  known_.clear();
  learnt_ = false;
}

void Connections::note_listeners(std::span<const DiagSocket> sockets) {
  for (const DiagSocket& socket : sockets) {
    if (!listens(socket)) continue;
    Listener listener{.udp = socket.udp, .port = socket.local.port, .any_address = socket.local.is_any()};
    if (!listener.any_address) listener.address = socket.local.address;
    const auto found = heard_.find(listener);
    if (found != heard_.end()) {
      found->second = look_;
    } else if (heard_.size() < kMaxListeners) {
      heard_.emplace(listener, look_);
    }
  }
  std::erase_if(heard_, [this](const auto& heard) {
    // A UDP socket that finds a peer ceases to be one without: it was not listening for this one.
    return look_ - heard.second > (heard.first.udp ? 0 : kListenerLooks);
  });
}

bool Connections::is_listening(const DiagSocket& socket) const {
  const auto heard = [this](const Listener& listener) { return heard_.contains(listener); };
  return heard({.udp = socket.udp, .port = socket.local.port, .any_address = true, .address = {}}) ||
         heard({.udp = socket.udp,
                .port = socket.local.port,
                .any_address = false,
                .address = socket.local.address});
}

void Connections::add(const Identity& identity, const DiagSocket& socket) {
  const Connection connection{.socket = socket,
                              // Who is still calling was not called.
                              .accepted = socket.state != SocketState::kSynSent && is_listening(socket),
                              .pid = std::nullopt};
  waiting_.insert_or_assign(identity, Waiting{.connection = connection,
                                              .looks = waiting_.size() < kMaxWaiting ? 0 : kOwnerLooks - 1});
}

void Connections::list_wanted() {
  by_inode_.clear();
  for (auto& [identity, waiting] : waiting_) {
    if (waiting.connection.socket.inode != 0)
      by_inode_.emplace_back(waiting.connection.socket.inode, &waiting);
  }
  std::sort(by_inode_.begin(), by_inode_.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  wanted_.clear();
  for (const auto& [inode, waiting] : by_inode_) wanted_.push_back(inode);
}

void Connections::resolve(uint64_t inode, uint32_t pid) {
  auto found = std::lower_bound(by_inode_.begin(), by_inode_.end(), inode,
                                [](const auto& wanted, uint64_t value) { return wanted.first < value; });
  for (; found != by_inode_.end() && found->first == inode; ++found) found->second->connection.pid = pid;
}

void Connections::take(std::vector<Connection>& ready) {
  by_inode_.clear();
  for (auto place = waiting_.begin(); place != waiting_.end();) {
    const Connection& connection = place->second.connection;
    if (connection.pid || is_left(connection.socket) || ++place->second.looks >= kOwnerLooks) {
      ready.push_back(connection);
      place = waiting_.erase(place);
    } else {
      ++place;
    }
  }
}

void Connections::forget() {
  learnt_ = false;
  known_.clear();
  waiting_.clear();
  heard_.clear();
  by_inode_.clear();
  wanted_.clear();
}

}  // namespace detectd
