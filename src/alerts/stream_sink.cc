#include "src/alerts/stream_sink.h"

#include <utility>

#include "src/clock.h"

namespace detectd {

Delivered StreamSink::deliver(const Alert& alert, const Interrupt& interrupt) {
  const int64_t deadline_ns = steady_clock_ns() + timeout_ns_;
  if (!stream_) {
    auto connected = connect_(deadline_ns, interrupt);
    if (!connected) return try_again(connected.error().message);
    stream_ = *std::move(connected);
  }
  // Who closed before us has not read all: what was taken is sent again.
  if (stream_->has_ended()) {
    stream_.reset();
    return try_again("the receiver closed the connection");
  }
  if (Status status = stream_->send(frame_(alert), deadline_ns, interrupt); !status) {
    stream_.reset();
    return try_again(status.error().message);
  }
  return {Delivered::What::kTaken, {}};
}

Delivered StreamSink::settle(const Interrupt& interrupt) {
  if (!stream_) return {};
  const std::unique_ptr<Stream> stream = std::exchange(stream_, nullptr);
  Status status = stream->finish(steady_clock_ns() + timeout_ns_, interrupt);
  return status ? Delivered{} : try_again(status.error().message);
}

}  // namespace detectd
