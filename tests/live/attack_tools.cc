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

// Who sent it.
pid_t receive_message(int fd, std::string& text) {
  std::array<char, 4096> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
  iovec into{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd, &message, 0);
  if (size < 0) die("recvmsg");
  text.assign(bytes.data(), static_cast<size_t>(size));
  ucred sender{};
  if (const cmsghdr* const part = CMSG_FIRSTHDR(&message); part != nullptr) {
    std::memcpy(&sender, CMSG_DATA(part), sizeof sender);
  }
  return sender.pid;
}

// A datagram socket at a path, as systemd has one to be notified; prints what arrives, a message a line. With MILLISECONDS
// behind it, whoever said READY=1 and then nothing for so long is killed, as systemd does it (WatchdogSec):
// notified PATH [MILLISECONDS].
int notified(const Arguments& a) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (a[0].size() >= sizeof address.sun_path) return 2;
  std::memcpy(address.sun_path, a[0].data(), a[0].size());
  const int yes = 1;
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("bind");
  }
  const int patience_ms = a.size() > 1 ? std::atoi(a[1].c_str()) : -1;
  pid_t watched = 0;
  while (true) {
    pollfd file{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&file, 1, watched != 0 ? patience_ms : -1) == 0) {
      kill(watched, SIGKILL);
      std::printf("killed %d, who said nothing for %d ms\n", watched, patience_ms);
      std::fflush(stdout);
      watched = 0;
      continue;
    }
    std::string said;
    const pid_t sender = receive_message(fd, said);
    if (said.find("READY=1") != std::string::npos) watched = sender;
    if (said.find("STOPPING=1") != std::string::npos) watched = 0;
    std::replace(said.begin(), said.end(), '\n', ' ');
    std::printf("%s\n", said.c_str());
    std::fflush(stdout);
  }
}

// Counts what the kernel sends to whoever asks for the kinds of events that detectd asks for, and
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
