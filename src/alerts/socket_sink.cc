#include "src/alerts/socket_sink.h"

#include "src/alerts/stream_sink.h"

namespace detectd {

std::unique_ptr<Sink> make_socket_sink(const SocketOptions& options) {
  const auto connect = [path = options.path](int64_t deadline_ns,
                                             const Interrupt& interrupt) -> Result<std::unique_ptr<Stream>> {
    Result<Fd> socket = connect_unix(path, deadline_ns, interrupt);
    if (!socket) return std::move(socket).error();
    return make_plain_stream(*std::move(socket));
  };
  return std::make_unique<StreamSink>(
      connect, [](const Alert& alert) { return alert.json + "\n"; }, options.timeout_ns);
}

}  // namespace detectd
