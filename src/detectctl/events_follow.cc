// detectctl events follow: what happens on this host, as the daemon judges it.
#include <unistd.h>

#include "engine/diagnostic.h"
#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/daemon_options.h"
#include "src/report/hit_view.h"
#include "src/report/terminal.h"
#include "src/report/time_zone.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kKindColumns = 10;
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kPlain = "\x1b[0m";

Result<ControlRequest> request_of(const DaemonOptions& options) {
  ControlRequest request;
  request.verb = ControlRequest::Verb::kFollow;
  request.contains = options.grep;
  request.hits = !options.no_hits;
  if (options.kinds.empty()) return request;
  request.kinds = {};
  for (const std::string& name : options.kinds) {
    const auto kind = find_event_kind(name);
    if (!kind) {
      std::vector<std::string_view> known;
      for (size_t i = 0; i < static_cast<size_t>(EventKind::kOther); ++i)
        known.push_back(to_string(EventKind(i)));
      const std::string hint = did_you_mean(name, known);
      return Error{Errc::kUsage, "--kind: " + quoted(name) + " is not a kind of event" +
                                     (hint.empty() ? "; detectd-events(5) has them" : "; " + hint)};
    }
    request.kinds.add(*kind);
  }
  return request;
}

std::string text_of(const JsonValue& line, const Terminal& terminal) {
  const auto text = [&](std::string_view name) { return escape_text(line.text_of(name)); };
  const std::string type = line.text_of("type");
  if (type == "missed") {
    return "-- " + plural(static_cast<uint64_t>(line.number_of("lines")), "line") +
           " missed: they came faster than they could be shown\n";
  }
  const auto time_ns = parse_rfc3339(line.text_of("@timestamp"));
  const std::string time = !time_ns               ? "?"
                           : terminal.is_terminal ? format_time_of_day(*time_ns)
                                                  : format_time(*time_ns);
  const bool is_hit = type == "hit";
  std::string shown = time + "  " + fit(is_hit ? text("level") : text("kind"), kKindColumns) + "  ";
  if (is_hit) shown += "* " + text("rule") + "  ";
  shown += text("process") + "  " + text("user") + "  " + text("text");
  if (line.find("outcome") != nullptr) shown += "  " + text("outcome");
  if (terminal.columns != 0) shown = cut(shown, terminal.columns);
  if (is_hit && terminal.color) shown = std::string(kBold) + shown + std::string(kPlain);
  return shown + "\n";
}

std::string json_of(const JsonValue& line) {
  JsonWriter json;
  json.begin_object();
  for (const auto& [name, value] : line.members) {
    if (value.kind == JsonValue::Kind::kText) json.member(name, value.text);
    if (value.kind == JsonValue::Kind::kNumber) json.member_number(name, value.number);
  }
  json.end_object();
  return json.text() + "\n";
}

ExitStatus follow(const DaemonOptions& options, Call& call) {
  const Terminal terminal = inspect_terminal(STDOUT_FILENO, call.common.color);
  if (Status zone = use_time_zone(options.tz.value_or(terminal.is_terminal ? "local" : "UTC")); !zone) {
    return fail(std::move(zone.error()).within("--tz"));
  }
  const Result<ControlRequest> request = request_of(options);
  if (!request) return fail(request.error());
  Result<ControlClient> client = ControlClient::connect(options.socket);
  if (!client) return fail(client.error());
  catch_stop_signals();
  if (Status asked = client->ask(*request); !asked) return fail(asked.error());
  uint64_t missed = 0;
  for (uint64_t shown = 0; options.limit == 0 || shown < options.limit;) {
    auto line = client->next(std::nullopt);
    if (!line) return fail(line.error());
    if (!*line) break;
    const std::string type = (*line)->text_of("type");
    if (type == "text") continue;
    if (type == "missed") missed += static_cast<uint64_t>((*line)->number_of("lines"));
    call.output.write(options.json ? json_of(**line) : text_of(**line, terminal));
    call.output.flush();
    if (call.output.failed()) break;
    ++shown;
  }
  return missed == 0 ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

const Command kEventsFollowCommand = {
    .name = "events follow",
    .arguments = "",
    .summary = "what happens now, event by event",
    .manual =
        "Show what happens on this host as the daemon judges it, a line an event, and hits among them with "
        "the name of "
        "their rule, until it is interrupted.\n"
        "The daemon never waits for who looks on: what comes faster than 5,000 lines a second, or than they "
        "are read, is "
        "left out and counted, and the exit status is 6 then.\n"
        "Command lines are cut after 1,024 bytes.\n",
    .options = events_follow_options(),
    .run = run_command<DaemonOptions, follow>,
};

}  // namespace detectd
