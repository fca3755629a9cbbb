#include "src/live/connections.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {
namespace {

// Of 10.0.0.`host`; host 0 is any address.
SocketEnd at(char host, uint16_t port) {
  const std::array<char, 4> address = {host == 0 ? '\0' : '\x0A', 0, 0, host};
  return *make_end(AF_INET, {address.data(), address.size()}, port);
}

struct Sketch {
  uint64_t cookie = 0;
  SocketState state = SocketState::kEstablished;
  SocketEnd local = at(1, 4000);
  SocketEnd remote = at(2, 443);
  uint64_t inode = 7;
  bool udp = false;
};
DiagSocket made(const Sketch& sketch) {
  return {.cookie = sketch.cookie,
          .inode = sketch.inode,
          .state = sketch.state,
          .udp = sketch.udp,
          .local = sketch.local,
          .remote = sketch.remote};
}
DiagSocket listener(uint16_t port, char host = 0) {
  return made({.cookie = port, .state = SocketState::kListen, .local = at(host, port), .remote = at(0, 0)});
}

std::string show(const Connection& connection) {
  const DiagSocket& socket = connection.socket;
  return std::string(connection.accepted ? "accepted " : "attempted ") + socket.local.ip() + ":" +
         std::to_string(socket.local.port) + " " + socket.remote.ip() + ":" +
         std::to_string(socket.remote.port) + " " +
         (connection.pid ? std::to_string(*connection.pid) : std::string("nobody"));
}

// Looks one after the other, each with the processes that are found in it; what they told, a line each.
class Looks {
 public:
  std::string look(const std::vector<DiagSocket>& sockets,
                   const std::map<uint64_t, uint32_t>& owners = {{7, 70}},
                   Connections::Look extent = Connections::Look::kAll) {
    connections.update(sockets, extent);
    for (const auto& [inode, pid] : owners) connections.resolve(inode, pid);
    std::vector<Connection> ready;
    connections.take(ready);
    std::string text;
    for (const Connection& connection : ready) text += show(connection) + "\n";
    return text;
  }

  Connections connections;
};

TEST_CASE("The first look at the sockets only learns") {
  Looks looks;
  CHECK(looks.look({made({.cookie = 1})}) == "");
  CHECK(looks.look({made({.cookie = 1})}) == "");
  CHECK(looks.look({made({.cookie = 1}), made({.cookie = 2})}) ==
        "attempted 10.0.0.1:4000 10.0.0.2:443 70\n");
}

TEST_CASE("Where there are too many sockets, each is told once, and none that may be old") {
  constexpr auto kCut = Connections::Look::kCut;
  const auto one = made({.cookie = 1}), two = made({.cookie = 2}), three = made({.cookie = 3});
  const std::string told = "attempted 10.0.0.1:4000 10.0.0.2:443 70\n";
  Looks looks;
  // All that there was before the first whole look is old.
  CHECK(looks.look({one}, {{7, 70}}, kCut) == "");
  CHECK(looks.look({two}, {{7, 70}}, kCut) == "");
  CHECK(looks.look({one, two}) == "");
  // Which of them a look that is cut has is chance.
  CHECK(looks.look({two}, {{7, 70}}, kCut) == "");
  CHECK(looks.look({one, three}, {{7, 70}}, kCut) == told);
  CHECK(looks.look({two}, {{7, 70}}, kCut) == "");
  CHECK(looks.look({three}, {{7, 70}}, kCut) == "");
  CHECK(looks.look({one, two, three}) == "");
  CHECK(looks.look({one, two, three, made({.cookie = 4})}) == told);
}

TEST_CASE("So many are remembered while looks are cut, and beyond it begins anew") {
  Looks looks;
  looks.look({});
  std::vector<DiagSocket> many(Connections::kMaxKnown + 1, made({.inode = 0}));
  for (size_t i = 0; i < many.size(); ++i) many[i].cookie = i;
  looks.connections.update(many, Connections::Look::kCut);
  std::vector<Connection> ready;
  looks.connections.take(ready);
  looks.connections.update(std::span(many).first(10), Connections::Look::kCut);
  CHECK(looks.look({made({.cookie = uint64_t{1} << 40})}, {{7, 70}}, Connections::Look::kCut) == "");
}

TEST_CASE("After forgetting, the next look only learns again") {
  Looks looks;
  looks.look({});
  looks.connections.forget();
  CHECK(looks.look({made({.cookie = 1})}) == "");
}

TEST_CASE("A connection is told once, whatever becomes of it") {
  Looks looks;
  looks.look({});
  CHECK(looks.look({made({.cookie = 1, .state = SocketState::kSynSent})}) ==
        "attempted 10.0.0.1:4000 10.0.0.2:443 70\n");
  for (const SocketState state :
       {SocketState::kEstablished, SocketState::kCloseWait, SocketState::kTimeWait}) {
    CHECK(looks.look({made({.cookie = 1, .state = state})}) == "");
  }
}

TEST_CASE("Which end connected is told by whether its port is listened on") {
  struct Case {
    const char* what;
    std::vector<DiagSocket> others;
    Sketch socket;
    const char* want;
  };
  const Sketch to_80{.cookie = 1, .local = at(1, 80), .remote = at(2, 5000)};
  const Sketch udp_53{.cookie = 1, .local = at(1, 53), .remote = at(2, 5000), .udp = true};
  DiagSocket udp_listener =
      made({.cookie = 9, .state = SocketState::kClosed, .local = at(0, 53), .remote = at(0, 0), .udp = true});
  Sketch calling = to_80;
  calling.state = SocketState::kSynSent;
  const std::vector<Case> cases = {
      {"nobody listens", {}, to_80, "attempted"},
      {"on any address", {listener(80)}, to_80, "accepted"},
      {"on this address", {listener(80, 1)}, to_80, "accepted"},
      {"on another address", {listener(80, 3)}, to_80, "attempted"},
      {"on another port", {listener(81)}, to_80, "attempted"},
      {"still calling from a port that is listened on", {listener(80)}, calling, "attempted"},
      {"udp, where tcp listens", {listener(53)}, udp_53, "attempted"},
      {"udp, beside a socket without a peer", {udp_listener}, udp_53, "accepted"},
  };
  for (const Case& c : cases) {
    INFO(c.what);
    Looks looks;
    looks.look({});
    std::vector<DiagSocket> sockets = c.others;
    sockets.push_back(made(c.socket));
    CHECK(looks.look(sockets).substr(0, std::string_view(c.want).size()) == c.want);
  }
}

TEST_CASE("A port that was listened on until lately still tells who connected, for a while") {
  const DiagSocket accepted = made({.cookie = 1, .local = at(1, 80), .remote = at(2, 5000)});
  for (const bool late : {false, true}) {
    Looks looks;
    looks.look({listener(80)});
    for (uint64_t i = 0; i + 1 < Connections::kListenerLooks + (late ? 1 : 0); ++i) looks.look({});
    CHECK(looks.look({accepted}).starts_with(late ? "attempted" : "accepted"));
  }
}

TEST_CASE("A UDP socket that finds its peer later was not listening for it") {
  const auto udp = [](SocketState state, const SocketEnd& remote) {
    return made({.cookie = 1, .state = state, .local = at(1, 4000), .remote = remote, .udp = true});
  };
  Looks looks;
  looks.look({udp(SocketState::kClosed, at(0, 0))});
  CHECK(looks.look({udp(SocketState::kEstablished, at(2, 53))}) ==
        "attempted 10.0.0.1:4000 10.0.0.2:53 70\n");
  CHECK(looks.look({udp(SocketState::kEstablished, at(3, 53))}) ==
        "attempted 10.0.0.1:4000 10.0.0.3:53 70\n");
}

TEST_CASE("A connection that is not accepted yet gets its process when it is") {
  Looks looks;
  looks.look({listener(80)});
  Sketch sketch{.cookie = 1, .local = at(1, 80), .remote = at(2, 5000), .inode = 0};
  CHECK(looks.look({listener(80), made(sketch)}) == "");
  CHECK(looks.connections.wanted().empty());
  sketch.inode = 7;
  CHECK(looks.look({listener(80), made(sketch)}) == "accepted 10.0.0.1:80 10.0.0.2:5000 70\n");
}

TEST_CASE("A connection is told without its process when that was looked for often enough") {
  for (const bool closed : {false, true}) {
    INFO("closed meanwhile: " << closed);
    Looks looks;
    looks.look({});
    const std::vector<DiagSocket> sockets = {made({.cookie = 1})};
    CHECK(looks.look(sockets, {}) == "");
    for (unsigned i = 2; i < Connections::kOwnerLooks; ++i) {
      CHECK(looks.look(closed ? std::vector<DiagSocket>() : sockets, {}) == "");
      CHECK(looks.connections.wanted() == std::vector<uint64_t>{7});
    }
    CHECK(looks.look(closed ? std::vector<DiagSocket>() : sockets, {}) ==
          "attempted 10.0.0.1:4000 10.0.0.2:443 nobody\n");
    CHECK(looks.look(sockets, {{7, 70}}) == (closed ? "attempted 10.0.0.1:4000 10.0.0.2:443 70\n" : ""));
  }
}

TEST_CASE("What was closed before it was seen is told at once, without a process") {
  Looks looks;
  looks.look({});
  CHECK(looks.look({made({.cookie = 1, .state = SocketState::kTimeWait, .inode = 0})}) ==
        "attempted 10.0.0.1:4000 10.0.0.2:443 nobody\n");
}

TEST_CASE("Several connections of one process, and several sockets of one inode, are all told") {
  Looks looks;
  looks.look({});
  CHECK(looks.look({made({.cookie = 1, .inode = 8}), made({.cookie = 2, .inode = 7}),
                    made({.cookie = 3, .local = at(1, 4001), .inode = 7})},
                   {{7, 70}, {8, 70}}) ==
        "attempted 10.0.0.1:4000 10.0.0.2:443 70\n"
        "attempted 10.0.0.1:4000 10.0.0.2:443 70\n"
        "attempted 10.0.0.1:4001 10.0.0.2:443 70\n");
}

TEST_CASE("Beyond the bound of those that wait, none is waited for") {
  Looks looks;
  looks.look({});
  std::vector<DiagSocket> sockets;
  for (uint64_t i = 1; i <= Connections::kMaxWaiting + 1; ++i)
    sockets.push_back(made({.cookie = i, .inode = i}));
  CHECK(looks.look(sockets, {}) == "attempted 10.0.0.1:4000 10.0.0.2:443 nobody\n");
}

}  // namespace
}  // namespace detectd
