// One datagram to a socket in the file system, whose reader may have stopped.
#pragma once

#include <cstdint>
#include <string>

#include "src/alerts/sink.h"
#include "src/fd.h"

struct msghdr;

namespace detectd {

struct DatagramOptions {
  std::string path;
  int64_t timeout_ns = 5'000'000'000;
  bool pass_large = false;  // what is too large goes as a sealed file instead, as journald takes it
};

class DatagramSender {
 public:
  explicit DatagramSender(DatagramOptions options) : options_(std::move(options)) {}
  Delivered send(const std::string& bytes, const Interrupt& interrupt);

 private:
  Delivered send_as_file(const std::string& bytes, const Interrupt& interrupt);
  Delivered send_message(const msghdr& message, const Interrupt& interrupt, bool& too_large);
  bool connect();

  DatagramOptions options_;
  Fd socket_;
};

}  // namespace detectd
