#include "src/enrich/socket_peer.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "src/enrich/sock_diag.h"
#include "src/fd.h"

namespace detectd {
namespace {

std::optional<SocketPeer> peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  if (address.ss_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    return make_peer(AF_INET, {reinterpret_cast<const char*>(&ipv4.sin_addr), 4}, ntohs(ipv4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof(ipv6));
    return make_peer(AF_INET6, {reinterpret_cast<const char*>(&ipv6.sin6_addr), 16}, ntohs(ipv6.sin6_port));
  }
  return std::nullopt;
}

// The inode shows that it is the socket that was meant, whatever became of pid and descriptor.
bool is_socket(int socket, uint64_t inode) {
  struct stat info {};
  return fstat(socket, &info) == 0 && info.st_ino == inode;
}

// Our own descriptor of a socket of another process. On failure errno says why.
Fd borrow(uint32_t pid, unsigned number) {
  Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return {};
  const auto socket = static_cast<int>(syscall(SYS_pidfd_getfd, process.number(), number, 0));
  const int error = errno;
  process.reset();
  errno = error;
  return Fd(socket);
}

}  // namespace

std::optional<SocketPeer> make_peer(int family, std::string_view address, uint16_t port) {
  const std::optional<SocketEnd> end = make_end(family, address, port);
  if (!end) return std::nullopt;
  return SocketPeer{.ip = end->ip(), .port = port};
}

std::optional<SocketPeer> SocketPeers::find(uint32_t pid, unsigned number, uint64_t inode) {
  if (const Fd socket = borrow(pid, number); socket) {
    return is_socket(socket.number(), inode) ? peer_of(socket.number()) : std::nullopt;
  }
  // The list is long: only where asking the socket is not allowed, and not for one that is gone.
  return errno == EPERM || errno == ENOSYS ? find_listed(inode) : std::nullopt;
}

std::optional<SocketPeer> SocketPeers::find_listed(uint64_t inode) {
  size_t listed = 0;
  std::optional<SocketPeer> peer;
  const auto look_at = [&](const DiagSocket& socket) {
    if (++listed > kMaxListed) return false;
    if (socket.inode != inode) return true;
    if (socket.remote.port != 0) peer = SocketPeer{.ip = socket.remote.ip(), .port = socket.remote.port};
    listed = kMaxListed;
    return false;
  };
  // Without one kind of sockets the other is there all the same.
  for (const bool udp : {false, true}) {
    if (listed < kMaxListed) static_cast<void>(list_sockets({.udp = udp, .states = ~0u}, buffer_, look_at));
  }
  return peer;
}

}  // namespace detectd
