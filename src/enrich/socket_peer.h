// The other end of a socket that another process holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

struct SocketPeer {
  std::string ip;  // an IPv4 address that IPv6 carries is written as IPv4
  uint16_t port = 0;
};

// `family` is AF_INET or AF_INET6, `address` 4 or 16 bytes; else nothing.
std::optional<SocketPeer> make_peer(int family, std::string_view address, uint16_t port);

class SocketPeers {
 public:
  // Of descriptor `number` of process `pid`, a socket with this inode. The socket itself is asked; where
  // the system lets us not borrow it, find_listed.
  std::optional<SocketPeer> find(uint32_t pid, unsigned number, uint64_t inode);
  // In the list of TCP and UDP sockets of our network namespace, of which up to kMaxListed are looked at.
  std::optional<SocketPeer> find_listed(uint64_t inode);

  static constexpr size_t kMaxListed = 16'384;

 private:
  std::string buffer_;
};

}  // namespace detectd
