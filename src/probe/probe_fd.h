// A descriptor that is closed with its scope, and what an attempt came to.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include "src/probe/probe_report.h"

namespace detectd {

class ProbeFd {
 public:
  explicit ProbeFd(long fd) : fd_(static_cast<int>(fd)) {}
  ~ProbeFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  ProbeFd(const ProbeFd&) = delete;
  ProbeFd& operator=(const ProbeFd&) = delete;

  int get() const { return fd_; }
  bool good() const { return fd_ >= 0; }

 private:
  int fd_;
};

inline Finding found(std::string_view name, std::string detail) {
  return {.name = name, .works = true, .detail = std::move(detail), .remedy = {}};
}

inline Finding lacking(std::string_view name, std::string detail, std::string remedy) {
  return {.name = name, .works = false, .detail = std::move(detail), .remedy = std::move(remedy)};
}

// With what errno says of the call that failed.
inline Finding refused(std::string_view name, std::string_view call, std::string remedy) {
  return lacking(name, std::string(call) + " says " + std::strerror(errno), std::move(remedy));
}

}  // namespace detectd
