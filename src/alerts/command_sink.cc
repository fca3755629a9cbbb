#include "src/alerts/command_sink.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "src/clock.h"
#include "src/fd.h"

namespace detectd {
namespace {

constexpr size_t kStackBytes = 128 << 10;
constexpr int kCouldNotStart = 127;

// What the child needs, all of it made before: it shares our memory until its exec, and may neither allocate nor lock.
struct Plan {
  const char* path;
  char* const* arguments;
  char* const* environment;
  int input;
  int nowhere;
  bool drop;
  uid_t uid;
  gid_t gid;
};

// Only system calls, and none through a wrapper of the C library that does it for all threads.
[[noreturn]] void fail_child() {
  syscall(SYS_exit, kCouldNotStart);
  __builtin_unreachable();
}

// Not watched by the address sanitizer: it never returns, so that what the sanitizer notes of its stack would stay, and
// be held against whoever gets that memory next.
__attribute__((no_sanitize("address"))) int run_child(void* context) {
  const Plan& plan = *static_cast<const Plan*>(context);
  const auto must = [](long result) {
    if (result < 0) fail_child();
  };
  must(syscall(SYS_setsid));
  must(syscall(SYS_dup3, plan.input, 0, 0));
  must(syscall(SYS_dup3, plan.nowhere, 1, 0));
  must(syscall(SYS_dup3, plan.nowhere, 2, 0));
  must(syscall(SYS_close_range, 3u, ~0u, 0u));
  // What protects detectd is not for what it starts: to be spared when memory is short, to run before others.
  const long score = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY);
  if (score >= 0) {
    syscall(SYS_write, score, "0", 1);
    syscall(SYS_close, score);
  }
  syscall(SYS_setpriority, PRIO_PROCESS, 0, 0);
  must(syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  if (plan.drop) {
    syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    must(syscall(SYS_setgroups, 0, nullptr));
    must(syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid));
    must(syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid));
  }
  must(syscall(SYS_chdir, "/"));
  syscall(SYS_umask, 077);
  // Handlers go with the exec, what is ignored does not; the mask is ours until here.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  sigaction(SIGPIPE, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(plan.path, plan.arguments, plan.environment);
  fail_child();
}

class Child {
 public:
  // Its end is waited for in any case.
  ~Child() {
    if (pid_ > 0) end();
  }
  bool start(Plan& plan);
  int descriptor() const { return pidfd_.number(); }
  void end();
  // Once it has ended.
  int take_status();

 private:
  pid_t pid_ = -1;
  Fd pidfd_;
};

bool Child::start(Plan& plan) {
  void* const stack =
      mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (stack == MAP_FAILED) return false;
  // No handler of ours may run in the child.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  // Like vfork(2): this thread waits for the exec, no other does, and no page is copied.
  pid_ = clone(&run_child, static_cast<char*>(stack) + kStackBytes,
               CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &plan, &pidfd);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  munmap(stack, kStackBytes);
  pidfd_.reset(pid_ > 0 ? pidfd : -1);
  errno = error;
  return pid_ > 0;
}

// Its pid is not free until it was waited for, nor is that of the group that it leads.
void Child::end() {
  kill(-pid_, SIGKILL);
  take_status();
}

int Child::take_status() {
  int status = 0;
  while (waitpid(pid_, &status, __WALL) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return status;
}

class CommandSink final : public Sink {
 public:
  explicit CommandSink(CommandOptions options);
  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override;

 private:
  Delivered feed(Child& child, Fd input, const std::string& text, const Interrupt& interrupt);
  Delivered wait(Child& child, int64_t deadline_ns, const Interrupt& interrupt);

  CommandOptions options_;
  std::vector<std::string> environment_;
};

CommandSink::CommandSink(CommandOptions options) : options_(std::move(options)) {
  environment_ = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"};
  if (!options_.user) return;
  environment_.push_back("HOME=" + options_.user->home);
  environment_.push_back("USER=" + options_.user->name);
  environment_.push_back("LOGNAME=" + options_.user->name);
}

Delivered CommandSink::deliver(const Alert& alert, const Interrupt& interrupt) {
  int ends[2] = {-1, -1};
  if (pipe2(ends, O_CLOEXEC) != 0) return try_again(std::string("pipe: ") + std::strerror(errno));
  Fd reading(ends[0]), writing(ends[1]);
  fcntl(writing.number(), F_SETFL, O_NONBLOCK);
  const Fd nowhere(open("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<char*> arguments, environment;
  for (std::string& word : options_.command) arguments.push_back(word.data());
  for (std::string& entry : environment_) environment.push_back(entry.data());
  arguments.push_back(nullptr);
  environment.push_back(nullptr);
  Plan plan{.path = options_.command.front().c_str(),
            .arguments = arguments.data(),
            .environment = environment.data(),
            .input = reading.number(),
            .nowhere = nowhere.number(),
            .drop = options_.user.has_value(),
            .uid = options_.user ? options_.user->uid : 0,
            .gid = options_.user ? options_.user->gid : 0};
  Child child;
  if (!child.start(plan)) return try_again(options_.command.front() + ": " + std::strerror(errno));
  reading.reset();
  return feed(child, std::move(writing), alert.json + "\n", interrupt);
}

Delivered CommandSink::feed(Child& child, Fd input, const std::string& text, const Interrupt& interrupt) {
  const int64_t deadline_ns = steady_clock_ns() + options_.timeout_ns;
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t size = write(input.number(), rest.data(), rest.size());
    if (size >= 0) {
      rest.remove_prefix(static_cast<size_t>(size));
    } else if (errno == EAGAIN) {
      if (wait_for(input.number(), POLLOUT, deadline_ns, interrupt) != Waited::kReady) break;
    } else if (errno != EINTR) {
      break;  // it does not read its input: its exit status says whether that was meant so
    }
  }
  input.reset();
  return wait(child, deadline_ns, interrupt);
}

Delivered CommandSink::wait(Child& child, int64_t deadline_ns, const Interrupt& interrupt) {
  const std::string& name = options_.command.front();
  switch (wait_for(child.descriptor(), POLLIN, deadline_ns, interrupt)) {
    case Waited::kReady: break;
    case Waited::kTimeUp:
      child.end();
      return try_again(name + " took longer than " + std::to_string(options_.timeout_ns / 1'000'000) +
                       " ms and was ended");
    case Waited::kInterrupted: child.end(); return try_again("detectd ends");
  }
  const int status = child.take_status();
  if (WIFSIGNALED(status))
    return try_again(name + " was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) == 0) return {};
  if (WEXITSTATUS(status) == kCouldNotStart)
    return try_again(name + " could not be started, or ended with status 127");
  return try_again(name + " ended with status " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace

Result<CommandUser> find_command_user(const std::string& name) {
  std::array<char, 16384> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return Error{Errc::kNotFound, "there is no user " + name};
  if (entry.pw_uid == 0)
    return Error{Errc::kUsage, "commands that read what others wrote are not run as root"};
  return CommandUser{.uid = entry.pw_uid, .gid = entry.pw_gid, .name = entry.pw_name, .home = entry.pw_dir};
}

std::unique_ptr<Sink> make_command_sink(CommandOptions options) {
  return std::make_unique<CommandSink>(std::move(options));
}

}  // namespace detectd
