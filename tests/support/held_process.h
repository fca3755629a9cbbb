// A child that runs a program and then waits, so that it can be looked at: `cat`, or what has its manners. It is
// known to run when it has echoed a line, and it ends with its standard input.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "src/fd.h"

namespace detectd::test {

class HeldProcess {
 public:
  // `become` is called in the child, its standard input and output in place and its errors to nobody, and execs. It must not return;
  // where it does, with the errno of what failed, error() has that.
  explicit HeldProcess(const std::function<int()>& become);
  // `cat` under the name `args[0]`, whose arguments follow; the first of them is best "-".
  explicit HeldProcess(const std::vector<std::string>& args, const std::string& program = "/bin/cat");
  ~HeldProcess();
  HeldProcess(const HeldProcess&) = delete;
  HeldProcess& operator=(const HeldProcess&) = delete;

  bool runs() const { return runs_; }
  int error() const { return error_; }
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  // Says a line and waits for its echo: false if the process is no more.
  bool echoes();
  // Ends it and waits for its end.
  void end();

 private:
  void start(const std::function<int()>& become);

  pid_t pid_ = -1;
  bool runs_ = false;
  int error_ = 0;
  Fd input_;
  Fd output_;
};

// For `become`: execv with any argument vector. Gives errno.
int run(const std::string& program, const std::vector<std::string>& args);
// For `become`: stays the program it is, and echoes.
[[noreturn]] void stay();

}  // namespace detectd::test
