// detectctl reload and mode: what a running daemon is told to do.
#include "engine/escape.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/text.h"

namespace detectd {
namespace {

ExitStatus reload(const DaemonOptions& options, Call& call) {
  const Status done = ask_daemon(
      options, {.verb = ControlRequest::Verb::kReload},
      [&call](const JsonValue& line) { call.output.write(escape_text(line.text_of("text")) + "\n"); });
  if (done) return ExitStatus::kDone;
  Error error = done.error();
  if (error.code == Errc::kRules) error.message += "; what ran before goes on";
  return fail(error);
}

ExitStatus mode(const DaemonOptions& options, Call& call) {
  if (call.arguments.size() != 1 || (call.arguments[0] != "dry-run" && call.arguments[0] != "enforce")) {
    return fail_usage(call, "say which: dry-run or enforce");
  }
  ControlRequest request;
  request.verb = ControlRequest::Verb::kMode;
  request.mode = call.arguments[0];
  return ask_and_print(options, request, call);
}

}  // namespace

const Command kReloadCommand = {
    .name = "reload",
    .arguments = "",
    .summary = "load rules and configuration again",
    .manual =
        "Let the daemon load its rules and its configuration again, wait for the outcome and tell it.\n"
        "All or nothing: with a mistake anywhere what ran before goes on, the mistakes are shown, and the "
        "exit status is "
        "3.\n"
        "A reload loses no event.\n",
    .options = socket_options(),
    .run = run_command<DaemonOptions, reload>,
};

const Command kModeCommand = {
    .name = "mode",
    .arguments = "dry-run|enforce",
    .summary = "switch responses off, and on again",
    .manual =
        "Switch off what rules do to processes\n"
        ".Pq Cm dry-run :\n"
        "hits say then what would have been done.\n"
        "That stays so, whatever is loaded again, until\n"
        ".Cm enforce\n"
        "takes it back or the daemon starts anew.\n"
        ".Cm enforce\n"
        "arms no more than the configuration does: where\n"
        ".Va response.mode\n"
        "is not\n"
        ".Cm enforce\n"
        "there, it is refused with exit status 3.\n"
        "Each change is a hit of\n"
        ".Li detectd.mode_changed ,\n"
        "which names who asked.\n",
    .options = socket_options(),
    .run = run_command<DaemonOptions, mode>,
};

}  // namespace detectd
