// detectctl status: how the daemon fares.
#include "src/detectctl/status_report.h"

#include <unistd.h>

#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/report/terminal.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

ExitStatus status(const DaemonOptions& options, Call& call) {
  if (options.json && options.prometheus) return fail_usage(call, "choose one: --json or --prometheus");
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, call.common.color).is_terminal;
  if (Status zone = use_time_zone(options.tz.value_or(on_terminal ? "local" : "UTC")); !zone) {
    return fail(std::move(zone.error()).within("--tz"));
  }
  DaemonStatus told;
  const Status asked = ask_daemon(options, {.verb = ControlRequest::Verb::kStatus},
                                  [&](const JsonValue& line) { told = parse_status(line); });
  if (!asked) {
    if (options.prometheus) call.output.write(metrics_of_nobody());
    return fail(asked.error());
  }
  call.output.write(options.json         ? encode(told)
                    : options.prometheus ? status_metrics(told)
                                         : status_text(told));
  return told.troubles().empty() || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

const Command kStatusCommand = {
    .name = "status",
    .arguments = "",
    .summary = "how the daemon fares",
    .manual =
        "Tell in a dozen lines how the daemon fares: what it sees and lost, which rules run, whether "
        "responses are "
        "carried out, hits by level since it started, whether they are stored and delivered, and what should "
        "be "
        "looked at.\n"
        "The exit status is 5 where no daemon answers, and 6 where there is something to look at: blind now, "
        "something "
        "not seen within the last hour, a reload that was refused, hits that wait for the database, alerts "
        "that do not "
        "get through.\n",
    .options = status_options(),
    .run = run_command<DaemonOptions, status>,
};

}  // namespace detectd
