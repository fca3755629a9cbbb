// Real sockets over loopback; the looks are made by hand.
#include "src/live/connection_poller.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "src/fd.h"
#include "src/live/connection_watch.h"
#include "tests/support/events.h"

namespace detectd {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  sockaddr* plain() { return reinterpret_cast<sockaddr*>(&bytes); }
  uint16_t port() const {
    // At the same place in both families.
    return ntohs(reinterpret_cast<const sockaddr_in*>(&bytes)->sin_port);
  }
};

Address loopback(int family) {
  Address address;
  if (family == AF_INET) {
    sockaddr_in ipv4{};
    ipv4.sin_family = AF_INET;
    ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.size = sizeof(ipv4);
    std::memcpy(&address.bytes, &ipv4, sizeof(ipv4));
  } else {
    sockaddr_in6 ipv6{};
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_addr = in6addr_loopback;
    address.size = sizeof(ipv6);
    std::memcpy(&address.bytes, &ipv6, sizeof(ipv6));
  }
  return address;
}

struct Server {
  Server(int family, int type) : address(loopback(family)), socket(::socket(family, type | SOCK_CLOEXEC, 0)) {
    good = socket && bind(socket.number(), address.plain(), address.size) == 0 &&
           (type == SOCK_DGRAM || listen(socket.number(), 8) == 0) &&
           getsockname(socket.number(), address.plain(), &address.size) == 0;
  }
  Fd call() {
    Fd client(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (connect(client.number(), address.plain(), address.size) != 0) client.reset();
    return client;
  }

  Address address;
  Fd socket;
  bool good = false;
};

class Host {
 public:
  Host() : procfs_(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), poller_({.procfs = procfs_.number()}) {
    std::vector<Connection> none;
    readable = static_cast<bool>(poller_.poll(none));
  }
  // What a look finds of the connections with this port on one side: "accepted own 127.0.0.1", sorted.
  std::vector<std::string> look(uint16_t port) {
    std::vector<Connection> ready;
    REQUIRE(poller_.poll(ready));
    std::vector<std::string> found;
    for (const Connection& connection : ready) {
      const DiagSocket& socket = connection.socket;
      if (socket.local.port != port && socket.remote.port != port) continue;
      found.push_back(std::string(connection.accepted ? "accepted" : "attempted") +
                      (socket.udp ? " udp" : " tcp") +
                      (!connection.pid                                      ? " nobody "
                       : *connection.pid == static_cast<uint32_t>(getpid()) ? " own "
                                                                            : " other ") +
                      socket.remote.ip());
    }
    std::sort(found.begin(), found.end());
    return found;
  }
  ConnectionPoller& poller() { return poller_; }

  bool readable = false;

 private:
  Fd procfs_;
  ConnectionPoller poller_;
};

using Found = std::vector<std::string>;

TEST_CASE("A connection over loopback is found at both ends, with the process, once") {
  for (const int family : {AF_INET, AF_INET6}) {
    const std::string ip = family == AF_INET ? "127.0.0.1" : "::1";
    Server server(family, SOCK_STREAM);
    Host host;
    if (!server.good || !host.readable) {
      WARN("skipped: no loopback for " + ip + ", or no sock_diag");
      continue;
    }
    const uint16_t port = server.address.port();
    const Fd client = server.call();
    REQUIRE(client);
    const Fd accepted(accept(server.socket.number(), nullptr, nullptr));
    REQUIRE(accepted);
    CHECK(host.look(port) == Found{"accepted tcp own " + ip, "attempted tcp own " + ip});
    CHECK(host.look(port).empty());
    CHECK(host.poller().counters().accepted >= 1);
  }
}

TEST_CASE("A UDP socket with a peer is found as a connection") {
  Server server(AF_INET, SOCK_DGRAM);
  Host host;
  if (!server.good || !host.readable) {
    WARN("skipped: no loopback, or no sock_diag");
    return;
  }
  const Fd client(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  REQUIRE(connect(client.number(), server.address.plain(), server.address.size) == 0);
  CHECK(host.look(server.address.port()) == Found{"attempted udp own 127.0.0.1"});
}

TEST_CASE(
    "Of a connection that was closed between two looks the kernel's memory is found, without a process") {
  Server server(AF_INET, SOCK_STREAM);
  Host host;
  if (!server.good || !host.readable) {
    WARN("skipped: no loopback, or no sock_diag");
    return;
  }
  Fd client = server.call();
  REQUIRE(client);
  Fd accepted(accept(server.socket.number(), nullptr, nullptr));
  // Who closes first keeps it in mind.
  client.reset();
  accepted.reset();
  CHECK(host.look(server.address.port()) == Found{"attempted tcp nobody 127.0.0.1"});
}

TEST_CASE("A connection that is open when the looking begins is not told when it closes either") {
  Server server(AF_INET, SOCK_STREAM);
  Fd client = server.good ? server.call() : Fd();
  Fd accepted(client ? accept(server.socket.number(), nullptr, nullptr) : -1);
  Host host;
  if (!accepted || !host.readable) {
    WARN("skipped: no loopback, or no sock_diag");
    return;
  }
  client.reset();
  accepted.reset();
  CHECK(host.look(server.address.port()).empty());
}

TEST_CASE("An event of a connection names the side that connected as its source") {
  const auto end = [](const char* address, uint16_t port) { return *make_end(AF_INET, {address, 4}, port); };
  DiagSocket socket{.local = end("\x0A\0\0\x01", 22), .remote = end("\x0A\0\0\x02", 5000)};
  const auto host = std::make_shared<const CaptureHost>();
  Event event;
  for (const bool accepted : {true, false}) {
    to_event({.socket = socket, .accepted = accepted, .pid = 70}, 5, 1'000'000'005, host, event);
    const std::vector<std::string> ends = {
        test::show(event, "source.ip") + ":" + test::show(event, "source.port"),
        test::show(event, "destination.ip") + ":" + test::show(event, "destination.port")};
    const Found want = {"10.0.0.2:5000", "10.0.0.1:22"};
    CHECK(ends == (accepted ? want : Found{want[1], want[0]}));
    CHECK(event.kind == (accepted ? EventKind::kConnectionAccepted : EventKind::kConnectionAttempted));
    CHECK(test::show(event, "network.direction") == (accepted ? "ingress" : "egress"));
    CHECK(test::show(event, "network.transport") == "tcp");
    CHECK(test::show(event, "process.pid") == "70");
  }
  to_event({.socket = socket, .accepted = false, .pid = {}}, 5, 1'000'000'005, host, event);
  CHECK_FALSE(event.carries(process_field(Leaf::kPid)));
  CHECK(test::show(event, "detectd.missing") == "process.pid");
}

}  // namespace
}  // namespace detectd
