// Constants and layouts of the kernel's messages are written out: its structs end in flexible arrays and do not nest
// in C++, and newer headers moved some of them.
#include <linux/netlink.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <thread>

#include "src/clock.h"
#include "src/probe/probe_fd.h"
#include "src/probe/probes.h"

namespace detectd {
namespace {

constexpr int kConnector = 11;
constexpr int kSockDiag = 4;
constexpr int kAudit = 9;
constexpr int kGeneric = 16;
constexpr uint32_t kListen = 1;
constexpr uint32_t kIgnore = 2;
constexpr uint32_t kFork = 0x1;
constexpr uint32_t kComm = 0x200;
constexpr int64_t kPatienceNs = 2'000'000'000;

class Message {
 public:
  Message(uint16_t type, uint16_t flags) {
    number(uint32_t{0});  // the length
    number(type);
    number(flags);
    number(uint32_t{1});
    number(uint32_t{0});
  }

  template <class Number>
  Message& number(Number value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Message& zeros(size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }
  Message& text(std::string_view text) {
    bytes_ += text;
    return zeros(1).zeros((4 - bytes_.size() % 4) % 4);
  }

  bool send_on(const ProbeFd& socket) {
    const auto size = static_cast<uint32_t>(bytes_.size());
    std::memcpy(bytes_.data(), &size, sizeof size);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    return sendto(socket.get(), bytes_.data(), bytes_.size(), 0, reinterpret_cast<const sockaddr*>(&kernel),
                  sizeof kernel) == static_cast<ssize_t>(bytes_.size());
  }

 private:
  std::string bytes_;
};

// One datagram from the kernel.
class Answer {
 public:
  // False when `end_ns` of the steady clock has come.
  bool receive(const ProbeFd& socket, int64_t end_ns) {
    for (int64_t left_ns = 0; (left_ns = end_ns - steady_clock_ns()) > 0;) {
      pollfd ready{.fd = socket.get(), .events = POLLIN, .revents = 0};
      if (poll(&ready, 1, static_cast<int>(left_ns / 1'000'000) + 1) <= 0) continue;
      sockaddr_nl from{};
      socklen_t from_size = sizeof from;
      const ssize_t size = recvfrom(socket.get(), bytes_.data(), bytes_.size(), MSG_DONTWAIT,
                                    reinterpret_cast<sockaddr*>(&from), &from_size);
      if (size <= 0 || from.nl_pid != 0) continue;
      size_ = static_cast<size_t>(size);
      return true;
    }
    return false;
  }

  template <class Number = uint32_t>
  Number at(size_t offset) const {
    Number value{};
    if (offset + sizeof value <= size_) std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  // What an error message says, 0 for none.
  int error() const { return at<uint16_t>(4) == NLMSG_ERROR ? -at<int32_t>(16) : 0; }
  size_t size() const { return size_; }

 private:
  std::array<char, 16384> bytes_{};
  size_t size_ = 0;
};

ProbeFd open_netlink(int protocol) {
  return ProbeFd(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, protocol));
}

bool bind_to(const ProbeFd& socket, uint32_t groups) {
  sockaddr_nl own{};
  own.nl_family = AF_NETLINK;
  own.nl_groups = groups;
  return bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
}

// With an event mask where one is given, as kernels from 6.6 on understand it.
bool ask_connector(const ProbeFd& socket, uint32_t what, std::optional<uint32_t> mask) {
  const uint16_t size = mask ? 8 : 4;
  Message message(NLMSG_DONE, 0);
  message.number(uint32_t{1}).number(uint32_t{1});  // CN_IDX_PROC, CN_VAL_PROC
  message.number(uint32_t{0}).number(uint32_t{0}).number(size).number(uint16_t{0}).number(what);
  if (mask) message.number(*mask);
  return message.send_on(socket);
}

// Renames and ends at once: a COMM and a FORK event of this process.
void run_thread() {
  std::thread([] { prctl(PR_SET_NAME, "detectd-probe"); }).join();
}

struct Heard {
  std::optional<int64_t> fork_after_ns;
  bool comm = false;
};

// Subscribes, and says what came of a thread that we started.
Heard listen(const ProbeFd& socket, std::optional<uint32_t> mask) {
  constexpr size_t kEvent = 16 + 20;  // behind the headers of netlink and connector
  constexpr size_t kData = kEvent + 16;
  Heard heard;
  if (!ask_connector(socket, kListen, mask)) return heard;
  const auto own = static_cast<uint32_t>(getpid());
  const int64_t start_ns = steady_clock_ns();
  run_thread();
  Answer event;
  int forks = 0;
  // The second fork comes behind the first thread's new name.
  while (forks < 2 && event.receive(socket, start_ns + kPatienceNs)) {
    const auto what = event.at(kEvent);
    if (what == kFork && event.at(kData + 12) == own && ++forks == 1) {
      heard.fork_after_ns = steady_clock_ns() - start_ns;
      run_thread();
    }
    if (what == kComm && event.at(kData + 4) == own) heard.comm = true;
  }
  ask_connector(socket, kIgnore, mask);
  return heard;
}

}  // namespace

Finding probe_connector() {
  constexpr std::string_view kName = "proc connector";
  constexpr const char* kRoot = "run as root, or with CAP_NET_ADMIN, in the host's namespaces";
  const ProbeFd socket = open_netlink(kConnector);
  if (!socket.good())
    return refused(kName, "socket", "the kernel needs CONFIG_CONNECTOR and CONFIG_PROC_EVENTS");
  if (!bind_to(socket, 1)) return refused(kName, "bind", kRoot);
  const Heard heard = listen(socket, std::nullopt);
  if (!heard.fork_after_ns) return lacking(kName, "the fork of a thread was not seen within 2 s", kRoot);
  return found(kName, "a fork was seen after " + std::to_string(*heard.fork_after_ns / 1000) + " us");
}

Finding probe_event_mask() {
  constexpr std::string_view kName = "event mask";
  constexpr const char* kNewer = "kernels from 6.6 on send only the events that are asked for";
  const ProbeFd socket = open_netlink(kConnector);
  if (!socket.good() || !bind_to(socket, 1)) return lacking(kName, "needs the proc connector", {});
  const Heard heard = listen(socket, kFork);
  if (!heard.fork_after_ns) return lacking(kName, "no event came with a mask", kNewer);
  if (heard.comm) return lacking(kName, "an event came that was masked out", kNewer);
  return found(kName, "only what was asked for was sent");
}

Finding probe_receive_buffer() {
  constexpr std::string_view kName = "receive buffer";
  constexpr int kWanted = 32 << 20;
  const ProbeFd socket = open_netlink(kConnector);
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kWanted, sizeof kWanted) == 0)
    return found(kName, "32 MiB");
  const int number = errno;
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &kWanted, sizeof kWanted);
  int size = 0;
  socklen_t length = sizeof size;
  getsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &size, &length);
  return lacking(kName, std::to_string(size / 2 / 1024) + " KiB of 32 MiB (" + std::strerror(number) + ")",
                 "CAP_NET_ADMIN, or sysctl net.core.rmem_max=33554432");
}

Finding probe_sock_diag() {
  constexpr std::string_view kName = "sock_diag";
  constexpr const char* kModule = "modprobe tcp_diag";
  const ProbeFd socket = open_netlink(kSockDiag);
  if (!socket.good()) return refused(kName, "socket", "the kernel needs CONFIG_INET_DIAG");
  constexpr uint16_t kByFamily = 20;
  constexpr uint8_t kTcp = 6;
  Message message(kByFamily, NLM_F_REQUEST | NLM_F_DUMP);
  message.number(uint8_t{AF_INET}).number(kTcp).number(uint16_t{0});
  message.number(uint32_t{1} << 10).zeros(48);  // listening sockets: few
  if (!message.send_on(socket)) return refused(kName, "send", kModule);
  Answer answer;
  if (!answer.receive(socket, steady_clock_ns() + kPatienceNs)) return lacking(kName, "no answer", kModule);
  if (answer.error() != 0) return lacking(kName, std::strerror(answer.error()), kModule);
  return found(kName, "sockets are listed");
}

Finding probe_taskstats() {
  constexpr std::string_view kName = "taskstats";
  constexpr const char* kNeeds = "CAP_NET_ADMIN, and a kernel with CONFIG_TASKSTATS";
  const ProbeFd socket = open_netlink(kGeneric);
  if (!socket.good()) return refused(kName, "socket", kNeeds);
  const auto ask = [&](Message message, Answer& answer) {
    return message.send_on(socket) && answer.receive(socket, steady_clock_ns() + kPatienceNs);
  };
  constexpr uint16_t kController = 16;
  constexpr uint8_t kGet = 3;  // CTRL_CMD_GETFAMILY
  Answer answer;
  Message family(kController, NLM_F_REQUEST);
  family.number(kGet).number(uint8_t{1}).number(uint16_t{0});
  family.number(uint16_t{14}).number(uint16_t{2}).text("TASKSTATS");
  if (!ask(family, answer)) return lacking(kName, "no answer", kNeeds);
  if (answer.error() != 0) return lacking(kName, std::strerror(answer.error()), kNeeds);
  // The number of the family is the attribute 1.
  uint16_t number = 0;
  for (size_t at = 20; at + 6 <= answer.size();) {
    const auto size = answer.at<uint16_t>(at);
    if (answer.at<uint16_t>(at + 2) == 1) number = answer.at<uint16_t>(at + 4);
    at += (std::max<size_t>(size, 4) + 3) & ~size_t{3};
  }
  constexpr uint8_t kOfTask = 1;  // TASKSTATS_CMD_GET, and TASKSTATS_CMD_ATTR_PID
  Message task(number, NLM_F_REQUEST);
  task.number(kOfTask).number(uint8_t{1}).number(uint16_t{0});
  task.number(uint16_t{8}).number(uint16_t{1}).number(static_cast<uint32_t>(getpid()));
  if (!ask(task, answer)) return lacking(kName, "no answer", kNeeds);
  if (answer.error() != 0) return lacking(kName, std::strerror(answer.error()), kNeeds);
  return found(kName, "the accounting of a task can be read");
}

// Reads who owns it, and changes nothing.
Finding probe_audit() {
  constexpr std::string_view kName = "audit";
  constexpr const char* kNeeds = "CAP_AUDIT_CONTROL, and a kernel with CONFIG_AUDIT";
  const ProbeFd socket = open_netlink(kAudit);
  if (!socket.good()) return refused(kName, "socket", kNeeds);
  constexpr uint16_t kGet = 1000;
  Message message(kGet, NLM_F_REQUEST | NLM_F_ACK);
  if (!message.send_on(socket)) return refused(kName, "send", kNeeds);
  Answer answer;
  const int64_t end_ns = steady_clock_ns() + kPatienceNs;
  while (answer.receive(socket, end_ns)) {
    if (answer.error() != 0) return lacking(kName, std::strerror(answer.error()), kNeeds);
    if (answer.at<uint16_t>(4) != kGet) continue;
    const auto owner = answer.at(16 + 12);
    if (owner != 0) return found(kName, "owned by pid " + std::to_string(owner) + ", which is left alone");
    return found(kName, "nobody owns it");
  }
  return lacking(kName, "no answer", kNeeds);
}

}  // namespace detectd
