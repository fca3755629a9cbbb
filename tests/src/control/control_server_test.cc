#include "src/control/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "src/clock.h"
#include "src/control/control_client.h"
#include "tests/support/temp_dir.h"

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

// A server, and a thread in place of the one that judges.
class Daemon {
 public:
  explicit Daemon(ControlServer::Options options = {}) : options_(std::move(options)) {
    options_.path = directory_.path("control");
    auto opened = ControlServer::open(options_);
    REQUIRE(opened);
    server_ = *std::move(opened);
    judge_ = std::thread([this] {
      while (!stop_) {
        is_busy_ = busy_.load();
        if (!is_busy_) {
          server_->serve([this](const auto& request, const auto& peer) { return answer(request, peer); });
        }
        std::this_thread::yield();
      }
    });
  }
  ~Daemon() {
    stop_ = true;
    judge_.join();
  }

  const std::string& path() const { return options_.path; }
  ControlServer& server() { return *server_; }
  // From now on, not only from the next look on.
  void be_busy(bool busy) {
    busy_ = busy;
    while (is_busy_ != busy) std::this_thread::yield();
  }
  // For each answer.
  void take_at_least(int64_t ns) { slowness_ns_ = ns; }
  uint64_t asked() const { return asked_; }

 private:
  ControlAnswer answer(const ControlRequest& request, const ControlPeer& peer) {
    ++asked_;
    for (const int64_t until_ns = steady_clock_ns() + slowness_ns_; steady_clock_ns() < until_ns;) {
      std::this_thread::yield();
    }
    if (request.verb == ControlRequest::Verb::kReload) {
      return {.lines = text_line("not loaded"), .error = Error{Errc::kRules, "a mistake"}};
    }
    if (request.verb == ControlRequest::Verb::kTree) {
      return {.lines = {},
              .more = []() -> Result<std::string> { return text_line(std::string(100'000, 'x')); }};
    }
    return {.lines =
                text_line(std::string(to_string(request.verb)) + " for uid " + std::to_string(peer.uid))};
  }

  TempDir directory_;
  ControlServer::Options options_;
  std::unique_ptr<ControlServer> server_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> busy_{false};
  std::atomic<bool> is_busy_{false};
  std::atomic<int64_t> slowness_ns_{0};
  std::atomic<uint64_t> asked_{0};
  std::thread judge_;
};

// Sends what it likes.
Fd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = 20, .tv_usec = 0};
  setsockopt(socket.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return Fd();
  return socket;
}

void send_all(const Fd& socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = send(socket.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
}

// Until the other side has nothing more to say.
std::string read_all(const Fd& socket) {
  std::string all;
  char buffer[4096];
  ssize_t size = 0;
  while ((size = recv(socket.number(), buffer, sizeof buffer, 0)) > 0)
    all.append(buffer, static_cast<size_t>(size));
  return all;
}

std::string read_line(const Fd& socket) {
  std::string line;
  char c = 0;
  while (recv(socket.number(), &c, 1, 0) == 1 && c != '\n') line += c;
  return line;
}

std::string ask(const std::string& path, ControlRequest::Verb verb) {
  auto client = ControlClient::connect(path);
  if (!client) return client.error().message;
  ControlRequest request;
  request.verb = verb;
  if (Status status = client->ask(request); !status) return status.error().message;
  std::string told;
  while (true) {
    auto line = client->next(20 * kSecondNs);
    if (!line) return told + "error: " + line.error().message;
    if (!*line) return told;
    told += (*line)->text_of("text") + "\n";
  }
}

}  // namespace

TEST_CASE("a request is answered by the thread that judges, one after another on a connection",
          "[control][threads]") {
  Daemon daemon;
  const std::string self = std::to_string(geteuid());
  CHECK(ask(daemon.path(), ControlRequest::Verb::kStatus) == "status for uid " + self + "\n");
  CHECK(ask(daemon.path(), ControlRequest::Verb::kReload) == "not loaded\nerror: a mistake");
  CHECK(ask(daemon.path(), ControlRequest::Verb::kTree).size() == 100'001);

  const Fd socket = connect_to(daemon.path());
  for (int i = 0; i < 3; ++i) {
    send_all(socket, encode({.verb = ControlRequest::Verb::kStatus}));
    CHECK(read_line(socket) == "{\"type\":\"text\",\"text\":\"status for uid " + self + "\"}");
    CHECK(read_line(socket) + "\n" == done_line());
  }
}

TEST_CASE("where nobody answers the message says what to do", "[control]") {
  TempDir directory;
  const auto client = ControlClient::connect(directory.path("control"));
  REQUIRE_FALSE(client);
  CHECK(client.error().code == Errc::kSystem);
  CHECK(client.error().message ==
        "no detectd answers at " + directory.path("control") + ": is it running? systemctl status detectd");
}

TEST_CASE("a second daemon does not take the socket of the first, but one that was left behind",
          "[control]") {
  TempDir directory;
  ControlServer::Options options;
  options.path = directory.path("control");
  {
    const auto first = ControlServer::open(options);
    REQUIRE(first);
    const auto second = ControlServer::open(options);
    REQUIRE_FALSE(second);
    CHECK(second.error().message == "another detectd answers at " + options.path);
    struct stat info {};
    REQUIRE(stat(options.path.c_str(), &info) == 0);
    CHECK((info.st_mode & 07777) == 0660);
  }
  CHECK(access(options.path.c_str(), F_OK) != 0);
  directory.write("control", "left behind");
  CHECK(ControlServer::open(options));
}

TEST_CASE("TRUST 108: a request that is no request is refused in words, and the connection ends",
          "[control][threads]") {
  struct Case {
    std::string sent;
    std::string told;
  };
  const Case cases[] = {
      {"GET / HTTP/1.1\n", "expected '{'"},
      {"\n", "expected '{'"},
      {"{\"version\":1}\n", "there is no request ``"},
      {"{\"do\":\"status\"}\n", "the request has none"},
      {"{\"version\":7,\"do\":\"status\"}\n", "version 1 of its control protocol, not 7"},
      {"{\"version\":1,\"do\":\"shell\"}\n", "there is no request `shell`"},
      {"{\"version\":1,\"do\":\"status\",\"also\":1}\n", "a member that is not known"},
      {"{\"version\":1,\"do\":\"mode\",\"mode\":\"enforced\"}\n",
       "the member `mode` can not have that value"},
      {"{\"version\":1,\"do\":\"tree\",\"pid\":-1}\n", "the member `pid` can not have that value"},
      {"{\"version\":1,\"do\":\"follow\",\"kinds\":[\"everything\"]}\n", "the member `kinds`"},
      {std::string(2000, '[') + "\n", "expected '{'"},
      {"{\"a\":" + std::string(2000, '[') + "\n", "the request is not understood"},
      {std::string("{\"version\":1,\"do\":\"sta\0tus\"}\n", 30), "the request is not understood"},
      {std::string(size_t{1} << 20, 'x'), "a request has at most 65536 bytes"},
      {"{" + std::string(kMaxRequestBytes, ' ') + "}\n", "a request has at most 65536 bytes"},
  };
  Daemon daemon;
  for (const Case& one : cases) {
    CAPTURE(one.sent.substr(0, 80));
    const Fd socket = connect_to(daemon.path());
    std::thread sender([&] { send_all(socket, one.sent); });
    const std::string told = read_all(socket);
    sender.join();
    CHECK_THAT(told, Catch::Contains(one.told));
    CHECK_THAT(told, Catch::StartsWith("{\"type\":\"error\""));
  }
  CHECK(daemon.asked() == 0);
}

TEST_CASE("TRUST 108: bytes of chance get no answer but an error", "[control][threads]") {
  Daemon daemon;
  std::mt19937 chance(17);
  const std::string good = encode({.verb = ControlRequest::Verb::kFollow});
  for (int round = 0; round < 300; ++round) {
    std::string sent = good;
    for (int i = 0; i < 3; ++i) sent[chance() % sent.size()] = static_cast<char>(chance());
    sent += '\n';
    if (parse_request(std::string_view(sent).substr(0, sent.find('\n')))) continue;
    const Fd socket = connect_to(daemon.path());
    send_all(socket, sent);
    CAPTURE(sent);
    CHECK_THAT(read_all(socket), Catch::StartsWith("{\"type\":\"error\""));
  }
  CHECK(daemon.asked() == 0);
}

TEST_CASE("TRUST 108: who connects and says nothing, or half a request, is left after its time",
          "[control][threads]") {
  Daemon daemon({.limits = {.request_ns = kSecondNs / 20}});
  const Fd silent = connect_to(daemon.path());
  const Fd half = connect_to(daemon.path());
  send_all(half, "{\"version\":1,");
  CHECK(read_all(silent).empty());
  CHECK(read_all(half).empty());
}

TEST_CASE("TRUST 108: a thousand connections keep others from asking, and nothing from being judged",
          "[control][threads]") {
  Daemon daemon;
  const size_t room = geteuid() == 0 ? 16 : 4;
  std::vector<Fd> held;
  size_t refused = 0;
  for (int i = 0; i < 1000; ++i) {
    Fd socket = connect_to(daemon.path());
    REQUIRE(socket);
    // Who is one too many is told so at once.
    char c = 0;
    if (held.size() >= room && recv(socket.number(), &c, 1, MSG_PEEK) == 1) {
      if (++refused == 1) CHECK_THAT(read_all(socket), Catch::Contains("too many ask detectd already"));
      continue;
    }
    held.push_back(std::move(socket));
  }
  CHECK(held.size() == room);
  CHECK(refused == 1000 - room);
  held.clear();
  // The places are free as soon as it was noticed that they left.
  std::string told;
  const int64_t until_ns = steady_clock_ns() + 20 * kSecondNs;
  do {
    told = ask(daemon.path(), ControlRequest::Verb::kStatus);
  } while (told.find("too many") != std::string::npos && steady_clock_ns() < until_ns);
  CHECK_THAT(told, Catch::StartsWith("status for uid"));
}

TEST_CASE("TRUST 108: one user can not keep root out", "[control][threads]") {
  if (geteuid() != 0) {
    WARN("skipped: needs root, to ask as somebody else");
    return;
  }
  Daemon daemon({.group = 65534});
  // As uid 65533, in the group.
  const pid_t child = fork();
  if (child == 0) {
    if (chmod(daemon.path().substr(0, daemon.path().rfind('/')).c_str(), 0711) != 0) _exit(1);
    if (setgid(65534) != 0 || setuid(65533) != 0) _exit(1);
    std::vector<Fd> held;
    int refused = 0;
    for (int i = 0; i < 20; ++i) {
      held.push_back(connect_to(daemon.path()));
      char c = 0;
      if (i >= 4 && recv(held.back().number(), &c, 1, 0) == 1) ++refused;
    }
    // Until root has asked.
    if (refused == 16) raise(SIGSTOP);
    _exit(refused);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, WUNTRACED) == child);
  CHECK(WIFSTOPPED(status));
  CHECK(ask(daemon.path(), ControlRequest::Verb::kStatus) == "status for uid 0\n");
  kill(child, SIGCONT);
  waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 16);
}

TEST_CASE("TRUST 108: who is neither root nor in the group is refused, whatever the mode of the socket",
          "[control][threads]") {
  if (geteuid() != 0) {
    WARN("skipped: needs root, to ask as somebody else");
    return;
  }
  Daemon daemon({.group = 4});
  const std::string directory = daemon.path().substr(0, daemon.path().rfind('/'));
  REQUIRE(chmod(directory.c_str(), 0711) == 0);
  const auto told_to = [&](uid_t uid, gid_t gid) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
      if (setgid(gid) != 0 || setuid(uid) != 0) _exit(1);
      const std::string told = ask(daemon.path(), ControlRequest::Verb::kStatus);
      _exit(write(ends[1], told.data(), told.size()) < 0);
    }
    close(ends[1]);
    std::string told(4096, '\0');
    const ssize_t size = read(ends[0], told.data(), told.size());
    told.resize(static_cast<size_t>(std::max<ssize_t>(0, size)));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return told;
  };
  CHECK_THAT(told_to(65534, 65534), Catch::StartsWith("only root may ask the detectd at"));
  REQUIRE(chmod(daemon.path().c_str(), 0666) == 0);
  CHECK_THAT(told_to(65534, 65534),
             Catch::Contains("error: uid 65534") && Catch::Contains("may not ask this detectd"));
  CHECK(told_to(65534, 4) == "status for uid 65534\n");
}

TEST_CASE("a daemon that does not get to it says so, and does nothing later", "[control][threads]") {
  Daemon daemon({.limits = {.answer_ns = kSecondNs / 20}});
  daemon.be_busy(true);
  CHECK(ask(daemon.path(), ControlRequest::Verb::kStatus) ==
        "error: detectd is busy and did not answer in time");
  daemon.be_busy(false);
  CHECK_THAT(ask(daemon.path(), ControlRequest::Verb::kMutes), Catch::StartsWith("mutes for"));
  CHECK(daemon.asked() == 1);
}

TEST_CASE("what is being done when its time is up is answered, not denied", "[control][threads]") {
  constexpr int64_t kLimitNs = kSecondNs / 2;
  Daemon daemon({.limits = {.answer_ns = kLimitNs}});
  daemon.take_at_least(2 * kLimitNs);
  CHECK_THAT(ask(daemon.path(), ControlRequest::Verb::kMutes), Catch::StartsWith("mutes for"));
  CHECK(daemon.asked() == 1);
}

TEST_CASE("TRUST 108: a client that never reads costs bounded memory and is left", "[control][threads]") {
  Daemon daemon({.limits = {.read_ns = kSecondNs / 5}});
  const Fd deaf = connect_to(daemon.path());
  // What the kernel does not take waits for it.
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += encode({.verb = ControlRequest::Verb::kTree});
  send_all(deaf, requests);
  const int64_t until_ns = steady_clock_ns() + 20 * kSecondNs;
  char c = 0;
  while (recv(deaf.number(), &c, 1, MSG_PEEK | MSG_DONTWAIT) != 1 && steady_clock_ns() < until_ns) {
  }
  // Others are answered meanwhile, and behind it.
  CHECK_THAT(ask(daemon.path(), ControlRequest::Verb::kStatus), Catch::StartsWith("status for"));
  send_all(deaf, requests);
  CHECK_THAT(ask(daemon.path(), ControlRequest::Verb::kStatus), Catch::StartsWith("status for"));
}

TEST_CASE("who follows slowly is told how much it missed, and the thread that judges never waits",
          "[control][threads]") {
  Daemon daemon({.limits = {.max_followed_bytes = 10'000}});
  const Fd slow = connect_to(daemon.path());
  send_all(slow, encode({.verb = ControlRequest::Verb::kFollow}));
  CHECK(read_line(slow) == "{\"type\":\"text\",\"text\":\"following\"}");
  EventFeed& feed = daemon.server().feed();
  const int64_t until_ns = steady_clock_ns() + 20 * kSecondNs;
  while (!feed.wanted() && steady_clock_ns() < until_ns) std::this_thread::yield();
  REQUIRE(feed.wanted());
  Event event;
  event.clear();
  event.set_text(process_field(Leaf::kCommandLine), std::string(1000, 'x'));
  uint64_t shown = 0;
  // More than the kernel keeps for it, and we do: a second is longer than the bound on lines allows.
  for (; shown < 20'000; ++shown) feed.show(event);
  uint64_t got = 0, missed = 0;
  while (got + missed < shown) {
    const auto line = parse_json_object(read_line(slow));
    REQUIRE(line);
    if (line->text_of("type") == "event") ++got;
    if (line->text_of("type") == "missed") missed += static_cast<uint64_t>(line->number_of("lines"));
  }
  CHECK(got + missed == shown);
  CHECK(missed != 0);
  CHECK(got != 0);
}

TEST_CASE("only what was asked for is followed", "[control][threads]") {
  Daemon daemon;
  const Fd socket = connect_to(daemon.path());
  ControlRequest request;
  request.verb = ControlRequest::Verb::kFollow;
  request.kinds = {EventKind::kExec};
  request.contains = "needle \"1\"";
  send_all(socket, encode(request));
  read_line(socket);
  EventFeed& feed = daemon.server().feed();
  const int64_t until_ns = steady_clock_ns() + 20 * kSecondNs;
  while (!feed.wanted() && steady_clock_ns() < until_ns) std::this_thread::yield();
  const auto show = [&](EventKind kind, std::string_view command) {
    Event event;
    event.clear();
    event.kind = kind;
    event.set_text(process_field(Leaf::kCommandLine), command);
    feed.show(event);
  };
  show(EventKind::kEnd, "needle \"1\"");
  show(EventKind::kExec, "hay");
  show(EventKind::kExec, "a needle \"1\" \x1b[2J");
  CHECK_THAT(read_line(socket),
             Catch::Contains(R"("kind":"exec")") && Catch::Contains(R"(a needle \"1\" \\x1b[2J)"));
  send_all(socket, encode({.verb = ControlRequest::Verb::kStatus}));
  CHECK_THAT(read_all(socket), Catch::Contains("who follows events asks nothing else"));
}

}  // namespace detectd
