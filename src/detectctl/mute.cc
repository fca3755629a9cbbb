// detectctl mute, unmute: rules whose hits nobody is told of for a time.
#include <unistd.h>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_parser.h"
#include "engine/timestamp.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/report/hit_view.h"
#include "src/report/terminal.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

std::string json_of(const JsonValue& mute) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : mute.members) {
    if (value.kind == JsonValue::Kind::kText) json.member(name, value.text);
    if (value.kind == JsonValue::Kind::kNumber) json.member_number(name, value.number);
  }
  json.end_object();
  return json.text() + "\n";
}

std::string text_of(const JsonValue& mute) {
  const auto until_ns = parse_rfc3339(mute.text_of("until"));
  return escape_text(mute.text_of("rule")) + "  until " + (until_ns ? format_time(*until_ns, 0) : "?") +
         "  " + plural(static_cast<uint64_t>(mute.number_of("hits")), "hit") + " kept quiet  by " +
         escape_text(mute.text_of("by")) + ": " + escape_text(mute.text_of("reason")) + "\n";
}

ExitStatus list(const DaemonOptions& options, Call& call) {
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, call.common.color).is_terminal;
  if (Status zone = use_time_zone(options.tz.value_or(on_terminal ? "local" : "UTC")); !zone) {
    return fail(std::move(zone.error()).within("--tz"));
  }
  size_t mutes = 0;
  const Status asked =
      ask_daemon(options, {.verb = ControlRequest::Verb::kMutes}, [&](const JsonValue& line) {
        ++mutes;
        call.output.write(options.json ? json_of(line) : text_of(line));
      });
  if (!asked) return fail(asked.error());
  if (mutes == 0 && !options.json && !call.common.quiet) call.output.write("no rule is muted\n");
  return ExitStatus::kDone;
}

ExitStatus mute(const DaemonOptions& options, Call& call) {
  if (options.list) {
    if (!call.arguments.empty()) return fail_usage(call, "--list lists all mutes");
    return list(options, call);
  }
  if (call.arguments.size() != 1) return fail_usage(call, "name one rule, or --list");
  const std::optional<int64_t> for_ns = parse_duration(options.duration);
  if (options.duration.empty()) return fail_usage(call, "say for how long: --for 2h");
  if (!for_ns)
    return fail_usage(call, "--for: " + quoted(options.duration) + " is not a duration such as 2h or 7d");
  if (options.reason.empty()) return fail_usage(call, "say why: --reason TEXT, for whoever finds it muted");
  ControlRequest request;
  request.verb = ControlRequest::Verb::kMute;
  request.rule = call.arguments[0];
  request.for_ns = *for_ns;
  request.reason = options.reason;
  return ask_and_print(options, request, call);
}

ExitStatus unmute(const DaemonOptions& options, Call& call) {
  if (call.arguments.size() != 1) return fail_usage(call, "name one rule");
  ControlRequest request;
  request.verb = ControlRequest::Verb::kUnmute;
  request.rule = call.arguments[0];
  return ask_and_print(options, request, call);
}

}  // namespace

const Command kMuteCommand = {
    .name = "mute",
    .arguments = "[RULE]",
    .summary = "tell nobody of a rule's hits for a time",
    .manual =
        "Let nobody be told of hits of a rule, named by its name or id, for a time: they are still found, "
        "kept and "
        "shown, and responses are carried out.\n"
        "Another mute of the same rule takes the place of the first.\n"
        "It holds over restarts of the daemon, is shown by\n"
        ".Cm status ,\n"
        "and is a hit of\n"
        ".Li detectd.muted ,\n"
        "which names who asked.\n",
    .options = mute_options(),
    .run = run_command<DaemonOptions, mute>,
};

const Command kUnmuteCommand = {
    .name = "unmute",
    .arguments = "RULE",
    .summary = "tell of a rule's hits again",
    .manual = "End a mute before its time.\n",
    .options = socket_options(),
    .run = run_command<DaemonOptions, unmute>,
};

}  // namespace detectd
