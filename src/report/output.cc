#include "src/report/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace detectd {
namespace {

constexpr size_t kFlushAt = size_t{64} << 10;

}  // namespace

void Output::write(std::string_view text) {
  if (failed()) return;
  buffer_ += text;
  if (buffer_.size() >= kFlushAt) flush();
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !failed()) {
    const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd wait{.fd = descriptor_, .events = POLLOUT, .revents = 0};
      ::poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      error_number_ = errno;
    }
  }
  buffer_.clear();
}

bool Output::closed() const { return error_number_ == EPIPE; }

Status Output::status() const {
  if (!failed()) return {};
  return Error{Errc::kSystem, std::string("write standard output: ") + std::strerror(error_number_)};
}

}  // namespace detectd
