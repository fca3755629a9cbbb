// A connection on which alerts are sent, and that says at its end whether all of them were read: both sides close in
// turn, so a receiver that closes has taken what came before. Nothing else in TCP says so.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/result.h"
#include "src/alerts/interrupt.h"
#include "src/fd.h"

namespace detectd {

// Messages are for people and may hold what the receiver sent.
class Stream {
 public:
  virtual ~Stream() = default;

  virtual Status send(std::string_view bytes, int64_t deadline_ns, const Interrupt& interrupt) = 0;
  // Says that nothing follows, and waits until the receiver has closed. An error: some of what was sent may be lost.
  virtual Status finish(int64_t deadline_ns, const Interrupt& interrupt) = 0;
  // Whether it was closed, or broke, without our doing.
  virtual bool has_ended() const = 0;
};

struct NetworkAddress {
  std::string host;
  std::string port;
};
Result<Fd> connect_tcp(const NetworkAddress& address, int64_t deadline_ns, const Interrupt& interrupt);
Result<Fd> connect_unix(const std::string& path, int64_t deadline_ns, const Interrupt& interrupt);

std::unique_ptr<Stream> make_plain_stream(Fd socket);

// Whether the receiver has closed or something broke; what it sent meanwhile is dropped.
bool socket_has_ended(int socket);
Status waited_in_vain(Waited waited, std::string_view what);

}  // namespace detectd
