#include "src/alerts/journal_sink.h"

#include "src/alerts/alert_text.h"
#include "src/alerts/datagram.h"

namespace detectd {
namespace {

class JournalSink final : public Sink {
 public:
  explicit JournalSink(JournalOptions options)
      : sender_({.path = std::move(options.path), .timeout_ns = options.timeout_ns, .pass_large = true}) {}
  Delivered deliver(const Alert& alert, const Interrupt& interrupt) override {
    return sender_.send(journal_entry(alert), interrupt);
  }

 private:
  DatagramSender sender_;
};

}  // namespace

std::unique_ptr<Sink> make_journal_sink(JournalOptions options) {
  return std::make_unique<JournalSink>(std::move(options));
}

}  // namespace detectd
