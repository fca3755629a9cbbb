#include "src/sources/proc_connector.h"

#include <linux/sock_diag.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "src/clock.h"

namespace detectd {
namespace {

constexpr int kMemoryInfo = 55;  // SO_MEMINFO
constexpr uint32_t kGroup = 1;   // CN_IDX_PROC
constexpr size_t kMaxMerged = 8192;

Error failure(const char* what) {
  const Errc code = errno == EPERM || errno == EACCES ? Errc::kPermission : Errc::kSystem;
  return {code, std::string("process connector: ") + what + ": " + std::strerror(errno)};
}

}  // namespace

void SequenceGaps::add(uint32_t cpu, uint32_t sequence) {
  const auto [next, is_new] = next_.try_emplace(cpu, sequence);
  // Numbers wrap around; one that is behind came late and was counted as missing.
  const auto ahead = static_cast<int32_t>(sequence - next->second);
  if (is_new || ahead >= 0) {
    missing_ += static_cast<uint32_t>(ahead);
    next->second = sequence + 1;
  } else if (missing_ != 0) {
    --missing_;
  }
}

ProcSubscription::ProcSubscription(ProcConnectorOptions options) : options_(options) {
  for (size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {buffers_[i].data(), buffers_[i].size()};
    messages_[i].msg_hdr.msg_name = &senders_[i];
    messages_[i].msg_hdr.msg_namelen = sizeof senders_[i];
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

Status ProcSubscription::subscribe() {
  lost_before_ = lost();
  fd_ = Fd();
  gaps_.restart();
  Fd fd(socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR));
  if (!fd) return failure("socket");
  // Before anything can arrive. Without CAP_NET_ADMIN what the system allows is taken.
  const int bytes = static_cast<int>(std::min<size_t>(options_.receive_buffer_bytes, size_t{1} << 30));
  if (setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0 &&
      setsockopt(fd.number(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes) != 0) {
    return failure("receive buffer");
  }
  const timeval patience{.tv_sec = 0, .tv_usec = options_.patience_ms * 1000};
  if (setsockopt(fd.number(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
    return failure("receive timeout");
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = kGroup;
  if (bind(fd.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return failure("bind");
  socklen_t length = sizeof address;
  if (getsockname(fd.number(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
    return failure("getsockname");
  size_t size = 0;
  const auto message = encode_subscription(options_.mask, address.nl_pid, size);
  if (send(fd.number(), message.data(), size, 0) < 0) return failure("subscribe");
  fd_ = std::move(fd);
  return {};
}

bool ProcSubscription::receive(std::vector<ProcEvent>& events, int flags) {
  int count = recvmmsg(fd_.number(), messages_.data(), kBatch, flags, nullptr);
  if (count < 0 && errno == ENOBUFS) {
    // Told once for any number of lost messages; those that were queued before are still there.
    ++counters_.overruns;
    count = recvmmsg(fd_.number(), messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  }
  if (count <= 0) return false;
  for (int i = 0; i < count; ++i) {
    const auto at = static_cast<size_t>(i);
    // Anybody may send to the group's members; the kernel's port is 0.
    if (senders_[at].nl_pid != 0) {
      ++counters_.forged;
      continue;
    }
    const auto event = decode_proc_message({buffers_[at].data(), messages_[at].msg_len});
    if (!event) {
      ++counters_.malformed;
      continue;
    }
    ++counters_.received;
    if (!options_.mask) gaps_.add(event->cpu, event->sequence);
    if ((proc_event_bit(event->what) & options_.wanted) != 0) events.push_back(*event);
  }
  return static_cast<size_t>(count) == kBatch;
}

uint32_t ProcSubscription::drops() const {
  std::array<uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t length = sizeof info;
  if (getsockopt(fd_.number(), SOL_SOCKET, kMemoryInfo, info.data(), &length) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

// The socket's own counter knows at once, and with a mask. Gaps in the numbers besides know of messages that the
// kernel could not even make.
uint64_t ProcSubscription::lost() {
  if (!fd_) return lost_before_;
  const uint64_t by_socket = lost_before_ + drops();
  return options_.mask ? by_socket : std::max(by_socket, gaps_.missing());
}

size_t ProcSubscription::receive_buffer_bytes() const {
  int bytes = 0;
  socklen_t length = sizeof bytes;
  if (getsockopt(fd_.number(), SOL_SOCKET, SO_RCVBUF, &bytes, &length) != 0) return 0;
  return static_cast<size_t>(bytes);
}

ProcConnector::ProcConnector(const ProcConnectorOptions& options)
    : self_(static_cast<uint32_t>(getpid())),
      others_({.receive_buffer_bytes = options.receive_buffer_bytes,
               .mask = options.mask ? std::optional(*options.mask & ~kUrgentProcEvents) : std::nullopt,
               .wanted = options.wanted}) {
  if (options.mask) {
    execs_.emplace(ProcConnectorOptions{.receive_buffer_bytes = options.receive_buffer_bytes,
                                        .mask = kUrgentProcEvents});
  }
}

Result<std::unique_ptr<ProcConnector>> ProcConnector::open(const ProcConnectorOptions& options) {
  // To earlier kernels a message with a mask is none: they would send nothing.
  ProcConnectorOptions possible = options;
  utsname system{};
  if (possible.mask && (uname(&system) != 0 || !knows_event_mask(system.release))) {
    possible.wanted &= *possible.mask;
    possible.mask.reset();
  }
  std::unique_ptr<ProcConnector> connector(new ProcConnector(possible));
  if (Status status = connector->subscribe(); !status) return std::move(status).error();
  return connector;
}

Status ProcConnector::subscribe() {
  if (Status status = others_.subscribe(); !status || !execs_) return status;
  return execs_->subscribe();
}

void ProcConnector::wait_urgent() {
  if (!execs_) return;
  execs_->wait(merge_.execs);
  has_waited_ = !merge_.execs.empty();
}

bool ProcConnector::receive(std::vector<ProcEvent>& events) {
  if (!execs_) return others_.receive(events);
  const bool has_waited = std::exchange(has_waited_, false);
  const int64_t now_ns = steady_clock_ns();
  const bool more_execs = has_waited || execs_->receive(merge_.execs);
  // The ends are told by the other socket as well.
  std::erase_if(merge_.execs, [this](const ProcEvent& event) {
    return event.what == ProcWhat::kExit && event.pid != self_;
  });
  for (ProcEvent& event : merge_.execs) {
    if (event.what == ProcWhat::kExit) event.what = ProcWhat::kBeat;
  }
  // What happened before an exec, or before the end that proves that execs are told, has to be here with it.
  bool more_others = others_.receive(merge_.others);
  while (more_others && !merge_.execs.empty() && merge_.others.size() < kMaxMerged) {
    more_others = others_.receive(merge_.others);
  }
  // Up to which moment all execs are here.
  merge_.take(more_execs ? INT64_MIN : now_ns, events);
  // What came behind the one that was waited for is taken next time: whoever reads of an exec asks again anyway.
  return has_waited ? more_others : more_execs || more_others;
}

uint64_t ProcConnector::lost() { return others_.lost() + (execs_ ? execs_->lost() : 0); }

}  // namespace detectd
