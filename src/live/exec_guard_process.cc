#include "src/live/exec_guard_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "src/bare_process.h"
#include "src/enrich/file_identity.h"
#include "src/live/pending_execs.h"

#ifndef FAN_REPORT_PIDFD
#define FAN_REPORT_PIDFD 0x00000080
#endif

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kTurnNs = kSecondNs / 10;

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

// Whoever serves these could make us wait for a close(2), and all execs with us.
bool is_served_by_others(const char* path) {
  constexpr long kOthers[] = {0x65735546, 0x6969,    0x517B, static_cast<long>(0xFF534D42),
                              0x01021997, 0x00C36400};
  struct statfs info {};
  return statfs(path, &info) == 0 &&
         std::find(std::begin(kOthers), std::end(kOthers), info.f_type) != std::end(kOthers);
}

class Guard {
 public:
  explicit Guard(const GuardOrders& orders) : orders_(orders), pending_(orders.deadline_ns) {}

  [[noreturn]] void run();

 private:
  void watch();
  void turn();
  void take_requests();
  void take(const ExecRequest& request);
  void ask(const ExecRequest& request);
  bool is_spared(const ExecRequest& request) const;
  void take_verdicts();
  void give(const GuardVerdict& verdict);
  void allow_expired();
  void answer(int file, ExecAnswer answer);
  bool send(const GuardMessage& message, const ExecRequest* request);

  const GuardOrders& orders_;
  PendingExecs pending_;
  int group_ = -1;
  int socket_ = -1;
  alignas(8) std::byte buffer_[4096];
};

void Guard::run() {
  socket_ = shed_what_was_inherited(orders_.socket, "detectd-guard", static_cast<pid_t>(orders_.daemon));
  setpriority(PRIO_PROCESS, 0, -20);
  watch();
  send({.kind = GuardMessage::kWatching}, nullptr);
  while (true) turn();
}

void Guard::watch() {
  const ExecGroup group = open_exec_group(orders_.paths, orders_.permission);
  if (group.number < 0) {
    send(group.failure, nullptr);
    _exit(1);
  }
  group_ = group.number;
}

void Guard::turn() {
  const int64_t before_ns = now_ns();
  orders_.counters->alive_ns.store(before_ns, std::memory_order_relaxed);
  const int64_t wait_ns = std::min(pending_.wait_ns(before_ns).value_or(kTurnNs), kTurnNs);
  const timespec wait{.tv_sec = 0, .tv_nsec = wait_ns};
  pollfd files[] = {{.fd = group_, .events = POLLIN, .revents = 0},
                    {.fd = socket_, .events = POLLIN, .revents = 0}};
  const int ready = ppoll(files, 2, &wait, nullptr);
  // Answers first: they make room.
  if (ready > 0 && files[1].revents != 0) take_verdicts();
  allow_expired();
  if (ready > 0 && files[0].revents != 0) take_requests();
}

void Guard::take_requests() {
  const ssize_t size = read(group_, buffer_, sizeof buffer_);
  if (size <= 0) return;
  ExecRequests requests(std::span(buffer_, static_cast<size_t>(size)));
  while (const auto request = requests.next()) take(*request);
  // A kernel that speaks otherwise: closing the group lets all go on.
  if (requests.broken()) _exit(1);
}

void Guard::take(const ExecRequest& request) {
  if (request.overflow) {
    orders_.counters->overflows.fetch_add(1, std::memory_order_relaxed);
    send({.kind = GuardMessage::kOverflow, .monotonic_ns = now_ns()}, nullptr);
    return;
  }
  orders_.counters->execs.fetch_add(1, std::memory_order_relaxed);
  if (request.file >= 0) ask(request);
  if (request.pidfd >= 0) close(request.pidfd);
  if (request.file >= 0 && !request.permission) close(request.file);
}

// Passes the question on; where it cannot be asked, or nobody has to be asked, the exec goes on.
void Guard::ask(const ExecRequest& request) {
  if (is_spared(request)) {
    orders_.counters->spared.fetch_add(1, std::memory_order_relaxed);
    if (request.permission) answer(request.file, ExecAnswer::kAllow);
    return;
  }
  const int64_t moment_ns = now_ns();
  GuardMessage message{.kind = GuardMessage::kExec,
                       .pid = request.pid,
                       .monotonic_ns = moment_ns,
                       .permission = request.permission ? 1u : 0u};
  if (request.permission) {
    const auto number = pending_.add(request.file, moment_ns);
    message.number = number.value_or(0);
    if (number && send(message, &request)) return;
    orders_.counters->not_asked.fetch_add(1, std::memory_order_relaxed);
    if (number) pending_.take(*number);
    answer(request.file, ExecAnswer::kAllow);
  } else if (!send(message, &request)) {
    orders_.counters->not_asked.fetch_add(1, std::memory_order_relaxed);
  }
}

bool Guard::is_spared(const ExecRequest& request) const {
  if (request.pid == 1 || request.pid == orders_.daemon || request.pid == static_cast<uint32_t>(getpid())) {
    return true;
  }
  const auto file = identify_file(request.file, "", FollowLink::kNo);
  return file && std::any_of(orders_.spared.begin(), orders_.spared.end(),
                             [&file](const FileIdentity& each) { return each.same_file(*file); });
}

void Guard::take_verdicts() {
  GuardVerdict verdict;
  for (int i = 0; i < 64; ++i) {
    const ssize_t size = recv(socket_, &verdict, sizeof verdict, MSG_DONTWAIT);
    if (size == sizeof verdict) {
      give(verdict);
    } else if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
      _exit(0);  // the daemon is gone
    } else {
      return;
    }
  }
}

void Guard::give(const GuardVerdict& verdict) {
  const auto file = pending_.take(verdict.number);
  const bool deny = verdict.deny != 0;
  if (file) answer(*file, deny ? ExecAnswer::kDeny : ExecAnswer::kAllow);
  if (!deny) return;
  send({.kind = file ? GuardMessage::kDenied : GuardMessage::kTooLate,
        .number = verdict.number,
        .monotonic_ns = now_ns()},
       nullptr);
}

void Guard::allow_expired() {
  while (const auto file = pending_.take_expired(now_ns())) {
    orders_.counters->expired.fetch_add(1, std::memory_order_relaxed);
    answer(*file, ExecAnswer::kAllow);
  }
}

void Guard::answer(int file, ExecAnswer answer) {
  const auto bytes = encode_exec_answer(file, answer);
  while (write(group_, bytes.data(), bytes.size()) < 0 && errno == EINTR) {
  }
  close(file);
}

// Never waits. False: there was no room.
bool Guard::send(const GuardMessage& message, const ExecRequest* request) {
  iovec part{.iov_base = const_cast<GuardMessage*>(&message), .iov_len = sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  if (request != nullptr) {
    const int files[] = {request->file, request->pidfd};
    const size_t bytes = (request->pidfd >= 0 ? 2 : 1) * sizeof(int);
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), files, bytes);
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket_, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(sizeof message);
}

}  // namespace

ExecGroup open_exec_group(std::span<const char* const> paths, bool permission) {
  const auto failed = [](int error, uint32_t path) {
    return ExecGroup{.number = -1, .failure = {.kind = GuardMessage::kFailed, .error = error, .path = path}};
  };
  const unsigned flags = (permission ? FAN_CLASS_CONTENT : FAN_CLASS_NOTIF) | FAN_CLOEXEC | FAN_NONBLOCK;
  constexpr unsigned kFiles = O_RDONLY | O_LARGEFILE | O_CLOEXEC;
  int group = fanotify_init(flags | FAN_REPORT_PIDFD, kFiles);
  if (group < 0 && errno == EINVAL) group = fanotify_init(flags, kFiles);
  if (group < 0) return failed(errno, UINT32_MAX);
  const uint64_t mask = permission ? FAN_OPEN_EXEC_PERM : FAN_OPEN_EXEC;
  for (uint32_t i = 0; i < paths.size(); ++i) {
    const bool others = is_served_by_others(paths[i]);
    if (!others && fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, paths[i]) == 0) {
      continue;
    }
    const int error = others ? EXDEV : errno;
    close(group);
    return failed(error, i);
  }
  return {.number = group, .failure = {}};
}

void run_exec_guard(const GuardOrders& orders) {
  Guard guard(orders);
  guard.run();
}

}  // namespace detectd
