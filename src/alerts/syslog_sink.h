// A syslog server: the host's own by its socket, another by TCP or TLS (RFC 5424, 6587, 5425).
#pragma once

#include <memory>
#include <string>

#include "src/alerts/alert_text.h"
#include "src/alerts/sink.h"
#include "src/alerts/stream.h"

namespace detectd {

struct SyslogOptions {
  enum class Way : uint8_t { kLocal, kTcp, kTls };
  Way way = Way::kLocal;
  std::string path = "/dev/log";
  NetworkAddress address = {};
  std::string ca_file = {};
  SyslogOrigin origin = {};
  int64_t timeout_ns = 10'000'000'000;
};
std::unique_ptr<Sink> make_syslog_sink(const SyslogOptions& options);

}  // namespace detectd
