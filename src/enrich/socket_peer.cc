#include "src/enrich/socket_peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "src/fd.h"

namespace detectd {
namespace {

constexpr std::string_view kMappedIpv4{"\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12};

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

bool ask_for_list(int netlink, uint8_t family, uint8_t protocol) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 question;
  } message{};
  message.header.nlmsg_len = sizeof(message);
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.question.sdiag_family = family;
  message.question.sdiag_protocol = protocol;
  message.question.idiag_states = ~0u;
  return send(netlink, &message, sizeof(message), 0) == static_cast<ssize_t>(sizeof(message));
}

struct Search {
  uint64_t inode = 0;
  size_t listed = 0;
  bool done = false;  // with this list
  std::optional<SocketPeer> peer;
};

// The messages of one datagram. True when the search is over.
bool look_through(std::string_view datagram, Search& search) {
  while (datagram.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, datagram.data(), sizeof(header));
    if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > datagram.size()) return true;
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) search.done = true;
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      if (++search.listed > SocketPeers::kMaxListed) return true;
      auto found = parse_diag(datagram.substr(sizeof(header), header.nlmsg_len - sizeof(header)));
      if (found && found->inode == search.inode) {
        search.peer = std::move(found->peer);
        return true;
      }
    }
    datagram.remove_prefix(std::min<size_t>(NLMSG_ALIGN(header.nlmsg_len), datagram.size()));
  }
  return false;
}

}  // namespace

std::optional<SocketPeer> make_peer(int family, std::string_view address, uint16_t port) {
  if (family == AF_INET6 && address.size() == 16 && address.starts_with(kMappedIpv4)) {
    family = AF_INET;
    address.remove_prefix(kMappedIpv4.size());
  }
  const size_t size = family == AF_INET ? 4 : 16;
  if ((family != AF_INET && family != AF_INET6) || address.size() != size) return std::nullopt;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inet_ntop(family, address.data(), text.data(), text.size()) == nullptr) return std::nullopt;
  return SocketPeer{.ip = text.data(), .port = port};
}

std::optional<DiagSocket> parse_diag(std::string_view payload) {
  inet_diag_msg message{};
  if (payload.size() < sizeof(message)) return std::nullopt;
  std::memcpy(&message, payload.data(), sizeof(message));
  DiagSocket socket;
  socket.inode = message.idiag_inode;
  const uint16_t port = ntohs(message.id.idiag_dport);
  if (port == 0) return socket;
  const size_t size = message.idiag_family == AF_INET ? 4 : 16;
  socket.peer =
      make_peer(message.idiag_family, {reinterpret_cast<const char*>(message.id.idiag_dst), size}, port);
  return socket;
}

std::optional<SocketPeer> SocketPeers::find(uint32_t pid, unsigned number, uint64_t inode) {
  if (const Fd socket = borrow(pid, number); socket) {
    return is_socket(socket.number(), inode) ? peer_of(socket.number()) : std::nullopt;
  }
  // The list is long: only where asking the socket is not allowed, and not for one that is gone.
  return errno == EPERM || errno == ENOSYS ? find_listed(inode) : std::nullopt;
}

std::optional<SocketPeer> SocketPeers::find_listed(uint64_t inode) {
  const Fd netlink(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink) return std::nullopt;
  buffer_.resize(size_t{32} << 10);
  Search search{.inode = inode, .listed = 0, .done = false, .peer = {}};
  for (const int protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    for (const int family : {AF_INET, AF_INET6}) {
      if (!ask_for_list(netlink.number(), static_cast<uint8_t>(family), static_cast<uint8_t>(protocol))) {
        return std::nullopt;
      }
      search.done = false;
      while (!search.done) {
        const ssize_t got = recv(netlink.number(), buffer_.data(), buffer_.size(), 0);
        if (got <= 0) return std::nullopt;
        if (look_through({buffer_.data(), static_cast<size_t>(got)}, search)) return search.peer;
      }
    }
  }
  return std::nullopt;
}

}  // namespace detectd
