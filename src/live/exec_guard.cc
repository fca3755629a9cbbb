#include "src/live/exec_guard.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "src/bare_process.h"
#include "src/clock.h"
#include "src/live/exec_guard_process.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int64_t kStartNs = 5'000'000'000;
constexpr int kQuestionBytes = 4 << 20;
// The guard turns ten times a second.
constexpr int64_t kStallNs = 500'000'000;

Error guard_error(std::string_view what, int number) {
  const Errc code = number == EPERM || number == EACCES ? Errc::kPermission : Errc::kSystem;
  return {code, std::string(what) + ": " + std::strerror(number)};
}

Error why_failed(const GuardMessage& message, const ExecGuard::Options& options) {
  if (message.path >= options.paths.size()) {
    return guard_error("asking the kernel for execs (fanotify)", message.error);
  }
  const std::string& path = options.paths[message.path];
  if (message.error == EXDEV) {
    return {Errc::kSystem, quoted(path) +
                               " is on a file system over a network or in a process: whoever serves it "
                               "could stop all execs; name another in response.deny_paths"};
  }
  return guard_error("watching the execs on the file system of " + quoted(path), message.error);
}

std::vector<const char*> pointers_of(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

// At most two come.
void take_files(msghdr& header, ExecQuestion& question) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::array<int, 2> files{-1, -1};
    const size_t bytes = part->cmsg_len - CMSG_LEN(0);
    std::memcpy(files.data(), CMSG_DATA(part), std::min(bytes, sizeof files));
    question.file.reset(files[0]);
    question.pidfd.reset(files[1]);
  }
}

}  // namespace

void ExecGuard::Unmap::operator()(GuardCounters* counters) const { munmap(counters, sizeof *counters); }

Status ExecGuard::probe(const Options& options) {
  const std::vector<const char*> paths = pointers_of(options.paths);
  const ExecGroup group = open_exec_group(paths, options.permission);
  if (group.number < 0) return why_failed(group.failure, options);
  close(group.number);
  return {};
}

Result<std::unique_ptr<ExecGuard>> ExecGuard::start(const Options& options) {
  std::unique_ptr<ExecGuard> guard(new ExecGuard);
  guard->deadline_ns_ = options.deadline_ns;
  void* const shared =
      mmap(nullptr, sizeof(GuardCounters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return guard_error("mmap", errno);
  guard->counters_.reset(new (shared) GuardCounters);
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0) {
    return guard_error("socketpair", errno);
  }
  guard->socket_.reset(sockets[0]);
  Fd theirs(sockets[1]);
  // Room for as many questions as may wait for an answer, and more where none is waited for.
  setsockopt(theirs.number(), SOL_SOCKET, SO_SNDBUFFORCE, &kQuestionBytes, sizeof kQuestionBytes);
  const std::vector<const char*> paths = pointers_of(options.paths);
  const GuardOrders orders{.socket = theirs.number(),
                           .paths = paths,
                           .spared = options.spared,
                           .daemon = static_cast<uint32_t>(getpid()),
                           .permission = options.permission,
                           .deadline_ns = options.deadline_ns,
                           .counters = guard->counters_.get()};
  const pid_t child = clone_bare(guard->process_);
  if (child == 0) run_exec_guard(orders);
  if (child < 0) return guard_error("clone", errno);
  theirs.reset();
  guard->counters_->alive_ns = steady_clock_ns();
  ExecQuestion first;
  const Result<bool> told = guard->receive(first, kStartNs);
  if (!told) return told.error();
  if (!*told) return Error{Errc::kSystem, "the guard of execs did not begin to watch"};
  if (first.message.kind == GuardMessage::kFailed) return why_failed(first.message, options);
  return guard;
}

ExecGuard::~ExecGuard() {
  socket_.reset();
  if (!process_) return;
  kill();
  siginfo_t ended{};
  waitid(P_PIDFD, static_cast<id_t>(process_.number()), &ended, WEXITED);
}

Result<bool> ExecGuard::receive(ExecQuestion& question, int64_t timeout_ns) {
  question = {};
  pollfd file{.fd = socket_.number(), .events = POLLIN, .revents = 0};
  const int ready = poll(&file, 1, static_cast<int>(timeout_ns / 1'000'000));
  if (ready <= 0) return false;
  iovec part{.iov_base = &question.message, .iov_len = sizeof question.message};
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  const ssize_t size = recvmsg(socket_.number(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (size > 0) take_files(header, question);
  if (size != static_cast<ssize_t>(sizeof question.message)) {
    return Error{Errc::kSystem, "the guard of execs is gone"};
  }
  return true;
}

void ExecGuard::answer(uint64_t number, ExecAnswer answer) {
  const GuardVerdict verdict{.number = number, .deny = answer == ExecAnswer::kDeny ? 1u : 0u};
  // Where there is no room the guard does not turn, and the exec's time will be up.
  while (send(socket_.number(), &verdict, sizeof verdict, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
         errno == EINTR) {
  }
}

bool ExecGuard::stalled(int64_t now_ns) const {
  return now_ns - counters_->alive_ns.load(std::memory_order_relaxed) > deadline_ns_ + kStallNs;
}

void ExecGuard::kill() { syscall(SYS_pidfd_send_signal, process_.number(), SIGKILL, nullptr, 0); }

}  // namespace detectd
