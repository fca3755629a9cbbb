// A program that detectctl starts itself, and ends itself: nobody else is ever signalled from here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/fd.h"

namespace detectd {

class OwnChild {
 public:
  // `words` with the program's path first. Its standard output and error come together by read_line().
  static Result<OwnChild> start(const std::vector<std::string>& words);
  // Ends it, if it still runs.
  ~OwnChild();
  OwnChild(OwnChild&& other) noexcept;
  OwnChild& operator=(OwnChild&&) = delete;

  pid_t pid() const { return pid_; }
  // Reads lines and gives them to `is_it` until that says so. False where the time is up before, or nothing follows.
  bool read_until(const std::function<bool(const std::string& line)>& is_it, int64_t timeout_ns);
  // Stands still, and goes on.
  void pause();
  void go_on();
  // Waits until it ends by itself, so long at most; then it is ended.
  void wait(int64_t timeout_ns);

 private:
  OwnChild(pid_t pid, Fd output) : pid_(pid), output_(std::move(output)) {}
  bool has_ended();

  pid_t pid_ = -1;  // -1: has ended
  Fd output_;
  std::string buffer_;
};

}  // namespace detectd
