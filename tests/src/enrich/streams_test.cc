// Where a process's standard streams lead.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstring>

#include "src/enrich/socket_peer.h"
#include "tests/support/held_process.h"
#include "tests/support/host_view.h"

namespace detectd {
namespace {

using test::HeldProcess;
using test::HostView;
using test::show;

// `cat` with `file` as its standard error.
struct WithError : HeldProcess {
  explicit WithError(int file)
      : HeldProcess([file] {
          if (file >= 0) {
            dup2(file, STDERR_FILENO);
          } else {
            close(STDERR_FILENO);
          }
          return test::run("/bin/cat", {"cat", "-"});
        }) {}
};

// A connection over loopback.
struct Connection {
  explicit Connection(int family) {
    sockaddr_storage address{};
    socklen_t size = 0;
    if (family == AF_INET) {
      auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&address);
      ipv4->sin_family = AF_INET;
      ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      size = sizeof(sockaddr_in);
    } else {
      auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&address);
      ipv6->sin6_family = AF_INET6;
      ipv6->sin6_addr = in6addr_loopback;
      size = sizeof(sockaddr_in6);
    }
    listener = Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    client = Fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    good = bind(listener.number(), plain, size) == 0 && listen(listener.number(), 1) == 0 &&
           getsockname(listener.number(), plain, &size) == 0 && connect(client.number(), plain, size) == 0;
    // At the same place in both.
    port = ntohs(reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
  }

  Fd listener;
  Fd client;
  bool good = false;
  uint16_t port = 0;
};

TEST_CASE("A standard stream is told by its type") {
  HostView host;
  const Fd null(open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd file(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
  const Fd zero(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  const Fd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  struct Case {
    int file;
    const char* type;
  };
  for (const Case& one : {Case{null.number(), "null"}, Case{file.number(), "file"},
                          Case{zero.number(), "file"}, Case{terminal.number(), "tty"}, Case{-1, "none"}}) {
    WithError cat(one.file);
    REQUIRE(cat.runs());
    CHECK(show(host.look_at(cat.pid()), "process.Ext.stderr.type") == one.type);
  }
}

TEST_CASE("A stream that is a connection is told with its other end") {
  HostView host;
  for (const int family : {AF_INET, AF_INET6}) {
    const Connection connection(family);
    if (!connection.good) {
      WARN("skipped: no loopback for family " << family << ": " << std::strerror(errno));
      continue;
    }
    WithError cat(connection.client.number());
    REQUIRE(cat.runs());
    const Event event = host.look_at(cat.pid());
    CHECK(show(event, "process.Ext.stderr.type") == "socket");
    CHECK(show(event, "process.Ext.stderr.destination.ip") == (family == AF_INET ? "127.0.0.1" : "::1"));
    CHECK(show(event, "process.Ext.stderr.destination.port") == std::to_string(connection.port));
  }
}

TEST_CASE("A socket without a peer of the internet is a socket and nothing more") {
  HostView host;
  std::array<int, 2> pair{};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
  const Fd one(pair[0]);
  const Fd two(pair[1]);
  const Connection connection(AF_INET);
  for (const int file : {pair[0], connection.listener.number()}) {
    WithError cat(file);
    REQUIRE(cat.runs());
    const Event event = host.look_at(cat.pid());
    CHECK(show(event, "process.Ext.stderr.type") == "socket");
    CHECK(show(event, "process.Ext.stderr.destination.ip") == "-");
  }
}

TEST_CASE("A connection is found in the list of sockets too") {
  const Connection connection(AF_INET);
  if (!connection.good) {
    WARN("skipped: no loopback");
    return;
  }
  struct stat info {};
  REQUIRE(fstat(connection.client.number(), &info) == 0);
  SocketPeers peers;
  const auto peer = peers.find_listed(info.st_ino);
  REQUIRE(peer);
  CHECK(peer->ip == "127.0.0.1");
  CHECK(peer->port == connection.port);
  CHECK_FALSE(peers.find_listed(0xFFFFFFFF));
}

TEST_CASE("A descriptor that is another socket by now has no peer that is told") {
  const Connection connection(AF_INET);
  SocketPeers peers;
  CHECK_FALSE(
      peers.find(static_cast<uint32_t>(getpid()), static_cast<unsigned>(connection.client.number()), 1));
}

TEST_CASE("An address is written as people write it, IPv4 in IPv6 as IPv4") {
  using namespace std::string_view_literals;
  CHECK(make_peer(AF_INET, "\x0A\0\0\x01"sv, 80)->ip == "10.0.0.1");
  CHECK(make_peer(AF_INET6, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF\x0A\0\0\x01"sv, 80)->ip == "10.0.0.1");
  CHECK(make_peer(AF_INET6, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"sv, 80)->ip == "fe80::1");
  CHECK_FALSE(make_peer(AF_INET, "\x0A\0\0"sv, 80));
  CHECK_FALSE(make_peer(AF_UNIX, "\x0A\0\0\x01"sv, 80));
}

TEST_CASE("A process with a controlling terminal is interactive") {
  HostView host;
  const Fd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal || grantpt(terminal.number()) != 0 || unlockpt(terminal.number()) != 0) {
    WARN("skipped: no pseudo terminals here");
    return;
  }
  const std::string name = ptsname(terminal.number());
  HeldProcess cat([&] {
    setsid();
    if (open(name.c_str(), O_RDWR) < 0) return errno;
    return test::run("/bin/cat", {"cat", "-"});
  });
  REQUIRE(cat.runs());
  const Event event = host.look_at(cat.pid());
  CHECK(show(event, "process.interactive") == "true");
  CHECK(show(event, "process.tty.char_device.major") == "136");
  CHECK(show(event, "process.tty.char_device.minor") == name.substr(name.rfind('/') + 1));
  CHECK(show(event, "process.session_leader.pid") == std::to_string(cat.pid()));
}

}  // namespace
}  // namespace detectd
