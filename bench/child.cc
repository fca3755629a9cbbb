#include "bench/child.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "src/fd.h"

namespace detectd::bench {
namespace {

constexpr int kTellFd = 100;  // which no other descriptor has

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

[[noreturn]] void become(const Words& command, int input) {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  const bool redirected = null >= 0 && dup2(input < 0 ? null : input, STDIN_FILENO) >= 0 &&
                          dup2(null, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0;
  if (!redirected) _exit(127);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

// A process that was forked from one with much memory has had as much, as the kernel counts its peak: so this program
// runs itself anew in between, and that waits for the command (run_as_measurer).
struct Started {
  pid_t measurer = -1;
  Fd told;  // where it writes the cost
};

Result<Started> start(const Words& command, int input) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::kSystem, "can not make a pipe"};
  Started started{.measurer = -1, .told = Fd(ends[0])};
  const Fd tell(ends[1]);
  Words measured = {"/proc/self/exe", std::string(kMeasurer)};
  measured.insert(measured.end(), command.begin(), command.end());
  started.measurer = fork();
  if (started.measurer < 0) return Error{Errc::kSystem, "can not start a process"};
  if (started.measurer == 0) {
    if (dup2(tell.number(), kTellFd) < 0) _exit(127);
    become(measured, input);
  }
  return started;
}

Result<ChildCost> await(const Started& started, const Words& command) {
  ChildCost cost;
  const bool told = read(started.told.number(), &cost, sizeof cost) == sizeof cost;
  int status = 0;
  const bool ended = waitpid(started.measurer, &status, 0) == started.measurer;
  if (!told || !ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Error{Errc::kSystem, command.front() + " failed"};
  }
  return cost;
}

}  // namespace

int run_as_measurer(char** command) {
  const pid_t child = fork();
  if (child < 0) return 127;
  if (child == 0) {
    close(kTellFd);
    execv(command[0], command);
    _exit(127);
  }
  int status = 0;
  rusage used{};
  if (wait4(child, &status, 0, &used) != child || !WIFEXITED(status)) return 127;
  const ChildCost cost{.cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime),
                       .peak_mib = static_cast<double>(used.ru_maxrss) / 1024};
  if (write(kTellFd, &cost, sizeof cost) != sizeof cost) return 127;
  return WEXITSTATUS(status);
}

Result<ChildCost> run_child(const Words& command) {
  const auto child = start(command, -1);
  if (!child) return child.error();
  return await(*child, command);
}

Result<ChildCost> run_child(
    const Words& command,
    const std::function<void(const std::function<void(std::string_view)>& write)>& feed) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::kSystem, "can not make a pipe"};
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const auto child = start(command, out.number());
  if (!child) return child.error();
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  feed([&in](std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = ::write(in.number(), text.data(), text.size());
      if (written <= 0) return;
      text.remove_prefix(static_cast<size_t>(written));
    }
  });
  in.reset();
  std::signal(SIGPIPE, before);
  return await(*child, command);
}

}  // namespace detectd::bench
