#include "src/alerts/syslog_sink.h"

#include "src/alerts/datagram.h"
#include "src/alerts/stream_sink.h"
#include "src/alerts/tls.h"

namespace detectd {
namespace {

// What a datagram may hold wherever it goes; of a longer one the end of the JSON is missing.
constexpr size_t kMaxLocalBytes = 60 << 10;

class LocalSyslogSink final : public Sink {
 public:
  explicit LocalSyslogSink(const SyslogOptions& options)
      : sender_({.path = options.path, .timeout_ns = options.timeout_ns}), origin_(options.origin) {}
  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override {
    std::string message = syslog_message(alert, origin_);
    if (message.size() > kMaxLocalBytes) message.resize(kMaxLocalBytes);
    return sender_.send(message, interrupt);
  }

 private:
  DatagramSender sender_;
  SyslogOrigin origin_;
};

Result<std::unique_ptr<Stream>> connect(const SyslogOptions& options, int64_t deadline_ns,
                                        const Interrupt& interrupt) {
  Result<Fd> socket = connect_tcp(options.address, deadline_ns, interrupt);
  if (!socket) return std::move(socket).error();
  if (options.way == SyslogOptions::Way::kTcp) return make_plain_stream(*std::move(socket));
  return make_tls_stream(*std::move(socket), {.host = options.address.host, .ca_file = options.ca_file},
                         deadline_ns, interrupt);
}

}  // namespace

std::unique_ptr<Sink> make_syslog_sink(const SyslogOptions& options) {
  if (options.way == SyslogOptions::Way::kLocal) return std::make_unique<LocalSyslogSink>(options);
  // The length before each message, so that no text within it begins another.
  const auto frame = [origin = options.origin](const Alert& alert) {
    const std::string message = syslog_message(alert, origin);
    return std::to_string(message.size()) + " " + message;
  };
  return std::make_unique<StreamSink>(
      [options](int64_t deadline_ns, const Interrupt& interrupt) {
        return connect(options, deadline_ns, interrupt);
      },
      frame, options.timeout_ns);
}

}  // namespace detectd
