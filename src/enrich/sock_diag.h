// The kernel's list of the sockets of our network namespace, sock_diag(7).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "engine/result.h"

namespace detectd {

// An address with a port. An IPv4 address is kept as IPv6 carries it, so that both are one when they are equal.
struct SocketEnd {
  std::array<uint8_t, 16> address{};
  uint16_t port = 0;

  bool operator==(const SocketEnd&) const = default;
  bool operator<(const SocketEnd& other) const {
    return std::tie(address, port) < std::tie(other.address, other.port);
  }
  bool is_any() const;  // of IPv4 or IPv6
  std::string ip() const;
};
// `family` is AF_INET or AF_INET6, `address` 4 or 16 bytes; else nothing.
std::optional<SocketEnd> make_end(int family, std::string_view address, uint16_t port);

// The kernel's numbers. Of a UDP socket only kEstablished (it has a peer) and kClosed (it has none) occur.
enum class SocketState : uint8_t {
  kEstablished = 1,
  kSynSent = 2,
  kSynReceived = 3,
  kFinWait1 = 4,
  kFinWait2 = 5,
  kTimeWait = 6,
  kClosed = 7,
  kCloseWait = 8,
  kLastAck = 9,
  kListen = 10,
  kClosing = 11,
};
constexpr uint32_t bit_of(SocketState state) { return 1u << static_cast<unsigned>(state); }

struct DiagSocket {
  uint64_t cookie = 0;  // of this socket alone, as long as the system runs
  uint64_t inode = 0;   // 0: no process holds it: not accepted yet, or closed already
  SocketState state{};
  bool udp = false;
  SocketEnd local;
  SocketEnd remote;  // port 0: it has no peer
};
// One message of an answer, without its netlink header; what transport it is of the message does not say.
std::optional<DiagSocket> parse_diag(std::string_view payload);

struct DiagQuestion {
  bool udp = false;
  uint32_t states = 0;  // bit_of() of those that are asked for
};
// Calls `visit` with each socket of IPv4 and of IPv6 until that gives false. `buffer` is scratch space. A kernel without
// IPv6 has none of those; fails where those of IPv4 can not be listed.
Status list_sockets(const DiagQuestion& question, std::string& buffer,
                    const std::function<bool(const DiagSocket&)>& visit);

}  // namespace detectd
