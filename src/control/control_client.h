// Asks a running detectd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/result.h"
#include "src/control/protocol.h"
#include "src/fd.h"
#include "src/json_value.h"

namespace detectd {

class ControlClient {
 public:
  // Errc::kSystem where none answers there; what to do stands in the message.
  static Result<ControlClient> connect(const std::string& path);

  Status ask(const ControlRequest& request);
  // The next line of the answer; nothing behind the last, and when a stop is requested. What the daemon
  // refuses is its Error. `timeout_ns` is for the daemon to say anything; none: as long as it takes.
  Result<std::optional<JsonValue>> next(std::optional<int64_t> timeout_ns);

 private:
  ControlClient(Fd socket, std::string path) : socket_(std::move(socket)), path_(std::move(path)) {}
  Error lost(const std::string& what) const;

  Fd socket_;
  std::string path_;
  std::string buffer_;
  size_t begin_ = 0;  // of what was not given yet
};

// Longer than the daemon gives itself for the slowest request.
inline constexpr int64_t kControlPatienceNs = 70'000'000'000;

}  // namespace detectd
