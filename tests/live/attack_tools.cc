#include "tests/live/attack.h"

#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace attack {
namespace {

// A program and its arguments, as a child of this one: whatever the name of its file may be.
int run(const Arguments& a) {
  const Arguments arguments(a.begin() + 1, a.end());
  return in_child([&] { exec(arguments[0].c_str(), arguments); });
}

int64_t monotonic_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// What became of so many execs of a program: attack execs MARK COUNT PATH.
int execs(const Arguments& a) {
  const int count = std::atoi(a[1].c_str());
  int refused = 0, ran = 0, other = 0;
  int64_t slowest_ms = 0;
  for (int i = 0; i < count; ++i) {
    const int64_t start_ms = monotonic_ms();
    const pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      Arguments arguments{a[2], a[0]};
      execv(a[2].c_str(), pointers(arguments).data());
      _exit(errno == EPERM ? 101 : 102);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 102;
    ++(code == 101 ? refused : code == 0 ? ran : other);
    slowest_ms = std::max(slowest_ms, monotonic_ms() - start_ms);
  }
  // On standard error: what a program itself writes is counted apart.
  std::fprintf(stderr, "refused %d ran %d other %d slowest %lld ms\n", refused, ran, other,
               static_cast<long long>(slowest_ms));
  return 0;
}

// Not an attack: a datagram socket at a path, as systemd has one to be notified; prints what arrives, a message a line.
int notified(const Arguments& a) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (a[0].size() >= sizeof address.sun_path) return 2;
  std::memcpy(address.sun_path, a[0].data(), a[0].size());
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  std::array<char, 4096> message;
  ssize_t size = 0;
  while ((size = recv(fd, message.data(), message.size(), 0)) >= 0) {
    for (ssize_t i = 0; i < size; ++i) {
      if (message[static_cast<size_t>(i)] == '\n') message[static_cast<size_t>(i)] = ' ';
    }
    std::printf("%.*s\n", static_cast<int>(size), message.data());
    std::fflush(stdout);
  }
  return 70;
}

// Not an attack: counts what the kernel sends to whoever asks for the kinds of events that detectd asks for, and
// prints the count at each SIGUSR1; `lossy` behind it, should it have lost some itself.
int count(const Arguments&) {
  constexpr uint32_t kMask = 0x1 | 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x40000000 | 0x80000000;
  const int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  const int room = 256 << 20;
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    skip("netlink");
  }
  std::array<uint32_t, 11> subscription{};
  subscription[0] = sizeof subscription;
  subscription[1] = 3;
  subscription[4] = subscription[5] = 1;
  subscription[8] = 8;
  subscription[9] = 1;
  subscription[10] = kMask;
  if (send(fd, subscription.data(), sizeof subscription, 0) < 0) skip("subscribe");
  sigset_t asked;
  sigemptyset(&asked);
  sigaddset(&asked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &asked, nullptr);
  const int signals = signalfd(-1, &asked, SFD_CLOEXEC);
  std::printf("counting\n");
  std::fflush(stdout);
  uint64_t events = 0;
  bool lossy = false;
  while (true) {
    pollfd files[] = {{fd, POLLIN, 0}, {signals, POLLIN, 0}};
    poll(files, 2, -1);
    std::array<uint32_t, 32> message{};
    while (true) {
      const ssize_t size = recv(fd, message.data(), sizeof message, 0);
      if (size < 0 && errno == ENOBUFS) lossy = true;
      if (size < 0 && errno != ENOBUFS) break;
      if (size >= 40 && message[9] != 0) ++events;
    }
    signalfd_siginfo signal{};
    if ((files[1].revents & POLLIN) == 0 || read(signals, &signal, sizeof signal) < 0) continue;
    std::printf("%llu%s\n", static_cast<unsigned long long>(events), lossy ? " lossy" : "");
    std::fflush(stdout);
  }
}

constexpr Attack kAll[] = {
    {"run", run},
    {"execs", execs},
    {"notified", notified},
    {"count", count},
};

}  // namespace

std::span<const Attack> tools() { return kAll; }

}  // namespace attack
