// What was connected between two looks at all sockets. Pure: reading them, and finding whose they are, is done by
// others (connection_poller.h).
//
// A look is: update() with all sockets there are, resolve() for the inodes in wanted() whose process was found, then
// take(). The first look only learns what is there.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "src/enrich/sock_diag.h"

namespace detectd {

struct Connection {
  DiagSocket socket;
  bool accepted = false;        // else it connected to the other end
  std::optional<uint32_t> pid;  // of the process that holds it
};

class Connections {
 public:
  // Where a port is listened on no more, what was connected to it is found up to so many looks later.
  static constexpr uint64_t kListenerLooks = 10;
  // How many times the process of a connection is looked for, closed as it may be meanwhile.
  static constexpr unsigned kOwnerLooks = 3;
  // Beyond, no process is looked for twice.
  static constexpr size_t kMaxWaiting = 16'384;
  static constexpr size_t kMaxListeners = 65'536;
  // While looks are cut, so many are remembered; beyond, it begins anew.
  static constexpr size_t kMaxKnown = 262'144;

  // Those that listen, and UDP sockets without a peer, are among them. Of a look that was cut it is not known whether
  // what is missing is gone: nothing is forgotten, and nothing is told before one look had all.
  enum class Look : bool { kCut, kAll };
  void update(std::span<const DiagSocket> sockets, Look look = Look::kAll);
  // Of connections whose process is not known; ascending.
  const std::vector<uint64_t>& wanted() const { return wanted_; }
  void resolve(uint64_t inode, uint32_t pid);
  // Appends those whose process is known, will not be known, or was looked for often enough; between two looks, once.
  void take(std::vector<Connection>& ready);

  // As before the first look.
  void forget();

 private:
  // The socket, and whom it is connected to: a UDP socket may turn to another peer.
  struct Identity {
    uint64_t cookie = 0;
    SocketEnd local;
    SocketEnd remote;
    bool operator==(const Identity&) const = default;
    bool operator<(const Identity& other) const {
      return std::tie(cookie, local, remote) < std::tie(other.cookie, other.local, other.remote);
    }
  };
  struct Waiting {
    Connection connection;
    unsigned looks = 0;
  };
  struct Listener {
    bool udp = false;
    uint16_t port = 0;
    bool any_address = false;
    std::array<uint8_t, 16> address{};  // zero where any_address
    bool operator==(const Listener&) const = default;
    bool operator<(const Listener& other) const {
      return std::tie(udp, port, any_address, address) <
             std::tie(other.udp, other.port, other.any_address, other.address);
    }
  };

  void note_listeners(std::span<const DiagSocket> sockets);
  bool is_listening(const DiagSocket& socket) const;
  void add(const Identity& identity, const DiagSocket& socket);
  void add_known();
  void list_wanted();

  bool learnt_ = false;
  uint64_t look_ = 0;
  std::vector<Identity> known_;  // sorted
  std::vector<Identity> now_, merged_;
  std::map<Identity, Waiting> waiting_;
  std::map<Listener, uint64_t> heard_;                   // the look in which it was there last
  std::vector<std::pair<uint64_t, Waiting*>> by_inode_;  // of those that are wanted, sorted
  std::vector<uint64_t> wanted_;
};

}  // namespace detectd
