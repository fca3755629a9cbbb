#include "tests/support/held_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace detectd::test {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    out = Fd(ends[0]);
    in = Fd(ends[1]);
  }

  Fd out;
  Fd in;
};

}  // namespace

int run(const std::string& program, const std::vector<std::string>& args) {
  std::vector<char*> pointers;
  for (const std::string& arg : args) pointers.push_back(const_cast<char*>(arg.c_str()));
  pointers.push_back(nullptr);
  execv(program.c_str(), pointers.data());
  return errno;
}

void stay() {
  // The pipe that is to end with an exec, and those of the test.
  close_range(STDERR_FILENO + 1, ~0u, 0);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) == 1) {
    if (write(STDOUT_FILENO, &byte, 1) != 1) break;
  }
  _exit(0);
}

HeldProcess::HeldProcess(const std::function<int()>& become) { start(become); }

HeldProcess::HeldProcess(const std::vector<std::string>& args, const std::string& program) {
  start([&] { return run(program, args); });
}

HeldProcess::~HeldProcess() { end(); }

void HeldProcess::start(const std::function<int()>& become) {
  Pipe input;
  Pipe output;
  Pipe failure;
  pid_ = fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) {
    dup2(input.out.number(), STDIN_FILENO);
    dup2(output.in.number(), STDOUT_FILENO);
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
    const int error = become();
    const ssize_t ignored = write(failure.in.number(), &error, sizeof(error));
    _exit(ignored == sizeof(error) ? 125 : 126);
  }
  failure.in.reset();
  output.in.reset();
  input_ = std::move(input.in);
  output_ = std::move(output.out);
  // Its end shows that the exec was done.
  if (read(failure.out.number(), &error_, sizeof(error_)) == 0) runs_ = echoes();
}

bool HeldProcess::echoes() {
  signal(SIGPIPE, SIG_IGN);
  if (write(input_.number(), "\n", 1) != 1) return false;
  char echo = 0;
  return read(output_.number(), &echo, 1) == 1;
}

void HeldProcess::end() {
  if (pid_ <= 0) return;
  input_.reset();
  output_.reset();
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  runs_ = false;
}

}  // namespace detectd::test
