#include "src/alerts/stream.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "src/alerts/unix_address.h"

namespace detectd {
namespace {

// Of what a receiver sends, which is nothing, until it closes.
constexpr size_t kMaxDroppedBytes = 64 << 10;

Error system_error(std::string_view what, int error) {
  return {Errc::kSystem, std::string(what) + ": " + std::strerror(error)};
}

Status finish_connect(const Fd& socket, const sockaddr* address, socklen_t size, int64_t deadline_ns,
                      const Interrupt& interrupt) {
  if (::connect(socket.number(), address, size) == 0) return {};
  if (errno != EINPROGRESS && errno != EAGAIN) return system_error("connect", errno);
  const Waited waited = wait_for(socket.number(), POLLOUT, deadline_ns, interrupt);
  if (waited != Waited::kReady) return waited_in_vain(waited, "connect");
  int error = 0;
  socklen_t length = sizeof error;
  getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return system_error("connect", error);
  return {};
}

class PlainStream final : public Stream {
 public:
  explicit PlainStream(Fd socket) : socket_(std::move(socket)) {}

  Status send(std::string_view bytes, int64_t deadline_ns, const Interrupt& interrupt) override {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size >= 0) {
        bytes.remove_prefix(static_cast<size_t>(size));
      } else if (errno == EAGAIN) {
        const Waited waited = wait_for(socket_.number(), POLLOUT, deadline_ns, interrupt);
        if (waited != Waited::kReady) return waited_in_vain(waited, "send");
      } else if (errno != EINTR) {
        return system_error("send", errno);
      }
    }
    return {};
  }

  Status finish(int64_t deadline_ns, const Interrupt& interrupt) override {
    if (shutdown(socket_.number(), SHUT_WR) != 0) return system_error("close", errno);
    char dropped[4096];
    for (size_t total = 0; total < kMaxDroppedBytes;) {
      const ssize_t size = recv(socket_.number(), dropped, sizeof dropped, 0);
      if (size == 0) return {};
      if (size > 0) {
        total += static_cast<size_t>(size);
      } else if (errno == EAGAIN) {
        const Waited waited = wait_for(socket_.number(), POLLIN, deadline_ns, interrupt);
        if (waited != Waited::kReady) return waited_in_vain(waited, "close");
      } else if (errno != EINTR) {
        return system_error("close", errno);
      }
    }
    return Error{Errc::kSystem, "the receiver talks and does not listen"};
  }

  bool has_ended() const override { return socket_has_ended(socket_.number()); }

 private:
  Fd socket_;
};

}  // namespace

Status waited_in_vain(Waited waited, std::string_view what) {
  const char* const why = waited == Waited::kTimeUp ? ": no answer in time" : ": detectd ends";
  return Error{Errc::kSystem, std::string(what) + why};
}

bool socket_has_ended(int socket) {
  char byte = 0;
  const ssize_t size = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR);
}

Result<Fd> connect_tcp(const NetworkAddress& address, int64_t deadline_ns, const Interrupt& interrupt) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(address.host.c_str(), address.port.c_str(), &wanted, &found);
  const std::string name = address.host + ":" + address.port;
  if (failed != 0) return Error{Errc::kSystem, name + ": " + gai_strerror(failed)};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, &freeaddrinfo);
  Error error{Errc::kSystem, "no address"};
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    Fd socket(::socket(one->ai_family, one->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, one->ai_protocol));
    if (!socket) continue;
    const Status status = finish_connect(socket, one->ai_addr, one->ai_addrlen, deadline_ns, interrupt);
    if (status) {
      const int on = 1;
      setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return socket;
    }
    error = status.error();
  }
  return Error{Errc::kSystem, name + ": " + error.message};
}

Result<Fd> connect_unix(const std::string& path, int64_t deadline_ns, const Interrupt& interrupt) {
  const auto address = unix_address(path);
  if (!address) return Error{Errc::kSystem, path + ": the name of the socket is too long"};
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (Status status = finish_connect(socket, reinterpret_cast<const sockaddr*>(&*address), sizeof *address,
                                     deadline_ns, interrupt);
      !status) {
    return Error{Errc::kSystem, path + ": " + status.error().message};
  }
  return socket;
}

std::unique_ptr<Stream> make_plain_stream(Fd socket) {
  return std::make_unique<PlainStream>(std::move(socket));
}

}  // namespace detectd
