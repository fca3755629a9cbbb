// Alerts as JSON Lines to a program that listens on a socket of the file system.
#pragma once

#include <memory>
#include <string>

#include "src/alerts/sink.h"

namespace detectd {

struct SocketOptions {
  std::string path;
  int64_t timeout_ns = 10'000'000'000;
};
std::unique_ptr<Sink> make_socket_sink(const SocketOptions& options);

}  // namespace detectd
