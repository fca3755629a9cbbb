// What sinks on a connection share: alerts go out as they come, and are safe once the connection was closed in turn.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "src/alerts/sink.h"
#include "src/alerts/stream.h"

namespace detectd {

class StreamSink : public Sink {
 public:
  using Connect =
      std::function<Result<std::unique_ptr<Stream>>(int64_t deadline_ns, const Interrupt& interrupt)>;
  using Frame = std::function<std::string(const Alert& alert)>;

  StreamSink(Connect connect, Frame frame, int64_t timeout_ns)
      : connect_(std::move(connect)), frame_(std::move(frame)), timeout_ns_(timeout_ns) {}

  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override;
  Delivered settle(const Interrupt& interrupt) override;

 private:
  Connect connect_;
  Frame frame_;
  int64_t timeout_ns_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace detectd
