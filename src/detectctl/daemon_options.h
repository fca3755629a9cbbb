// What the commands that ask a running daemon have in common.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/control/control_client.h"
#include "src/detectctl/command.h"

namespace detectd {

struct DaemonOptions {
  std::string socket = kControlPath;
  bool json = false;
  bool prometheus = false;
  bool allow_incomplete = false;
  std::optional<std::string> tz;
  // events follow
  std::vector<std::string> kinds;
  std::string grep;
  bool no_hits = false;
  uint64_t limit = 0;  // 0: none
  // mute
  std::string duration;
  std::string reason;
  bool list = false;
};

std::span<const OptionRow> socket_options();
std::span<const OptionRow> status_options();
std::span<const OptionRow> events_follow_options();
std::span<const OptionRow> tree_of_host_options();
std::span<const OptionRow> mute_options();

// Asks, and gives each line of the answer to `take`. What the daemon said to people is told on standard error on the way:
// warnings, diagnostics.
template <class Take>
Status ask_daemon(const DaemonOptions& options, const ControlRequest& request, Take take);
// The same, where its texts are the answer: they are printed.
ExitStatus ask_and_print(const DaemonOptions& options, const ControlRequest& request, Call& call);

// Shows what is told beside an answer; false for other lines.
bool tell_aside(const JsonValue& line);

template <class Take>
Status ask_daemon(const DaemonOptions& options, const ControlRequest& request, Take take) {
  Result<ControlClient> client = ControlClient::connect(options.socket);
  if (!client) return std::move(client).error();
  if (Status status = client->ask(request); !status) return status;
  while (true) {
    Result<std::optional<JsonValue>> line = client->next(kControlPatienceNs);
    if (!line) return std::move(line).error();
    if (!*line) return {};
    if (!tell_aside(**line)) take(**line);
  }
}

}  // namespace detectd
