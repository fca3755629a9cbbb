#include "src/alerts/datagram.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "src/alerts/unix_address.h"
#include "src/clock.h"

namespace detectd {
namespace {

constexpr int kBufferBytes = 8 << 20;
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

std::string text_of(int error) { return std::strerror(error); }

}  // namespace

// Anew where the receiver was: who restarts makes another socket under the same name.
bool DatagramSender::connect() {
  if (socket_) return true;
  const auto address = unix_address(options_.path);
  if (!address) {
    errno = ENAMETOOLONG;
    return false;
  }
  socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  setsockopt(socket_.number(), SOL_SOCKET, SO_SNDBUF, &kBufferBytes, sizeof kBufferBytes);
  if (::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0)
    return true;
  const int error = errno;
  socket_.reset();
  errno = error;
  return false;
}

Delivered DatagramSender::send_message(const msghdr& message, const Interrupt& interrupt, bool& too_large) {
  const int64_t deadline_ns = steady_clock_ns() + options_.timeout_ns;
  bool again = true;  // a connection of before the receiver's restart
  while (true) {
    if (!connect()) return try_again(options_.path + ": " + text_of(errno));
    if (sendmsg(socket_.number(), &message, MSG_NOSIGNAL) >= 0) return {};
    const int error = errno;
    if (error == EMSGSIZE || error == ENOBUFS) {
      too_large = true;
      return try_again(options_.path + ": " + text_of(error));
    }
    if (error == EINTR) continue;
    if (error != EAGAIN) {
      socket_.reset();
      if (std::exchange(again, false)) continue;
      return try_again(options_.path + ": " + text_of(error));
    }
    switch (wait_for(socket_.number(), POLLOUT, deadline_ns, interrupt)) {
      case Waited::kReady: break;
      case Waited::kTimeUp: return try_again(options_.path + " is there, and nobody reads from it");
      case Waited::kInterrupted: return try_again("detectd ends");
    }
  }
}

Delivered DatagramSender::send(const std::string& bytes, const Interrupt& interrupt) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  bool too_large = false;
  Delivered delivered = send_message(message, interrupt, too_large);
  if (!too_large) return delivered;
  if (options_.pass_large) return send_as_file(bytes, interrupt);
  return {Delivered::What::kRefused, delivered.why};
}

Delivered DatagramSender::send_as_file(const std::string& bytes, const Interrupt& interrupt) {
  const Fd file(memfd_create("detectd-alert", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  size_t written = 0;
  while (file && written < bytes.size()) {
    const ssize_t size = write(file.number(), bytes.data() + written, bytes.size() - written);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return try_again("memory for a large alert: " + text_of(errno));
    written += static_cast<size_t>(size);
  }
  if (!file || fcntl(file.number(), F_ADD_SEALS, kSeals) != 0)
    return try_again("memory for a large alert: " + text_of(errno));
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  const int number = file.number();
  std::memcpy(CMSG_DATA(head), &number, sizeof number);
  bool too_large = false;
  return send_message(message, interrupt, too_large);
}

}  // namespace detectd
