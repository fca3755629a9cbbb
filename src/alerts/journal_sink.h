// journald, by its native protocol (systemd.journal-fields(7)), without libsystemd: its sending may wait for ever.
#pragma once

#include <memory>
#include <string>

#include "src/alerts/sink.h"

namespace detectd {

inline constexpr const char* kJournalSocket = "/run/systemd/journal/socket";

struct JournalOptions {
  std::string path = kJournalSocket;
  int64_t timeout_ns = 5'000'000'000;
};
std::unique_ptr<Sink> make_journal_sink(JournalOptions options);

}  // namespace detectd
