#include "src/detectctl/daemon_options.h"

#include <unistd.h>

#include "engine/escape.h"
#include "src/log.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

constexpr std::string_view kGroup = "Daemon";

Status set_limit(DaemonOptions& options, const std::string& value) {
  const auto number = parse_number<uint64_t>(value);
  if (!number || *number == 0) return Error{Errc::kUsage, "is not a number above 0"};
  options.limit = *number;
  return {};
}

constexpr OptionRow kSocket = {
    .group = kGroup,
    .name = "socket",
    .value = "PATH",
    .help = "where it answers, instead of /run/detectd/control",
    .manual =
        "Where the daemon answers\n"
        ".Pq Va control.path\n"
        "instead of\n"
        ".Pa /run/detectd/control .\n",
    .apply = assign<&DaemonOptions::socket>,
};
constexpr OptionRow kJson = {
    .group = "Output",
    .name = "json",
    .help = "JSON, an object a line",
    .manual = "Print JSON, an object a line.\n",
    .apply = enable<&DaemonOptions::json>,
};
constexpr OptionRow kTz = {
    .group = "Output",
    .name = "tz",
    .value = "ZONE",
    .help = "zone of shown times; local on a terminal, else UTC",
    .manual =
        "The zone of shown times: a name as\n"
        ".Li Europe/Berlin ,\n"
        ".Cm local\n"
        "or\n"
        ".Cm UTC .\n"
        "The default is local on a terminal, else UTC.\n",
    .apply = assign<&DaemonOptions::tz>,
};
constexpr OptionRow kPrometheus = {
    .group = "Output",
    .name = "prometheus",
    .help = "metrics, for node_exporter's textfile collector",
    .manual =
        "Print metrics in Prometheus's text format, for the textfile collector of node_exporter.\n"
        "Where no daemon answers,\n"
        ".Li detectd_up\n"
        "is 0.\n",
    .apply = enable<&DaemonOptions::prometheus>,
};
constexpr OptionRow kAllowIncomplete = {
    .group = "Output",
    .name = "allow-incomplete",
    .help = "exit status 0 instead of 6",
    .manual = "Exit with 0 where it would be 6.\n",
    .apply = enable<&DaemonOptions::allow_incomplete>,
};
constexpr OptionRow kKind = {
    .group = "Which events",
    .name = "kind",
    .value = "KIND",
    .repeatable = true,
    .help = "only events of this kind, as exec",
    .manual =
        "Only events of this kind, as\n"
        ".Cm exec ;\n"
        ".Xr detectd-events 5\n"
        "has them.\n",
    .apply = append<&DaemonOptions::kinds>,
};
constexpr OptionRow kGrep = {
    .group = "Which events",
    .name = "grep",
    .value = "TEXT",
    .help = "only those with this text",
    .manual =
        "Only events and hits that have this text, letter by letter, in their process, user or command "
        "line.\n",
    .apply = assign<&DaemonOptions::grep>,
};
constexpr OptionRow kNoHits = {
    .group = "Which events",
    .name = "no-hits",
    .help = "events only",
    .manual = "Events only, and no hits among them.\n",
    .apply = enable<&DaemonOptions::no_hits>,
};
constexpr OptionRow kLimit = {
    .group = "Which events",
    .name = "limit",
    .value = "N",
    .help = "ends after so many lines",
    .manual = "End after so many lines.\n",
    .apply = set<set_limit>,
};

constexpr OptionRow kFor = {
    .group = "Mute",
    .name = "for",
    .value = "DURATION",
    .help = "how long, as 2h or 7d",
    .manual =
        "How long, such as 2h or 7d; at most a year.\n"
        "Must be given.\n",
    .apply = assign<&DaemonOptions::duration>,
};
constexpr OptionRow kReason = {
    .group = "Mute",
    .name = "reason",
    .value = "TEXT",
    .help = "why, for whoever finds it muted",
    .manual =
        "Why, for whoever finds it muted.\n"
        "Must be given.\n",
    .apply = assign<&DaemonOptions::reason>,
};
constexpr OptionRow kList = {
    .group = "Mute",
    .name = "list",
    .help = "the rules that are muted now, nothing else",
    .manual = "List the rules that are muted now, with how many hits that kept quiet, and do nothing else.\n",
    .apply = enable<&DaemonOptions::list>,
};

constexpr OptionRow kSocketTable[] = {kSocket};
constexpr OptionRow kStatusTable[] = {kSocket, kTz, kJson, kPrometheus, kAllowIncomplete};
constexpr OptionRow kFollowTable[] = {kSocket, kKind, kGrep, kNoHits, kLimit, kTz, kJson};
constexpr OptionRow kTreeTable[] = {kSocket, kJson};
constexpr OptionRow kMuteTable[] = {kSocket, kFor, kReason, kList, kTz, kJson};

}  // namespace

std::span<const OptionRow> socket_options() { return kSocketTable; }
std::span<const OptionRow> status_options() { return kStatusTable; }
std::span<const OptionRow> events_follow_options() { return kFollowTable; }
std::span<const OptionRow> tree_of_host_options() { return kTreeTable; }
std::span<const OptionRow> mute_options() { return kMuteTable; }

bool tell_aside(const JsonValue& line) {
  const std::string type = line.text_of("type");
  if (type == "warning") {
    log::warning(line.text_of("text"));
    return true;
  }
  if (type != "diagnostic") return false;
  // Several lines, laid out; each of them as harmless as any other text from elsewhere.
  std::string rest = line.text_of("text");
  std::string shown;
  for (size_t begin = 0; begin < rest.size();) {
    const size_t end = std::min(rest.find('\n', begin), rest.size());
    append_escaped_text(std::string_view(rest).substr(begin, end - begin), shown);
    shown += '\n';
    begin = end + 1;
  }
  log::table(shown, {});
  return true;
}

ExitStatus ask_and_print(const DaemonOptions& options, const ControlRequest& request, Call& call) {
  const Status status = ask_daemon(options, request, [&call](const JsonValue& line) {
    call.output.write(escape_text(line.text_of("text")) + "\n");
  });
  return status ? ExitStatus::kDone : fail(status.error());
}

}  // namespace detectd
