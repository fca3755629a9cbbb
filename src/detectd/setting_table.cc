// The settings themselves. What may be their values is the business of settings.cc.
#include "src/detectd/settings.h"

namespace detectd {
namespace {

constexpr std::string_view kConditionActions = "log alert";

// In the order of --print-config.
constexpr Setting kSettings[] = {
    {"source.kind", SettingKind::kChoice, R"("auto")", "auto ebpf connector procfs",
     "Where live events come from: the proc connector, with or without eBPF, or polling of\n"
     ".Pa /proc ,\n"
     "which needs no privileges and sees less.\n"
     ".Cm auto\n"
     "is eBPF where it can be had, else the proc connector alone.\n"
     "See\n"
     ".Fl Fl source\n"
     "in\n"
     ".Xr detectd 8 .\n"},
    {"source.receive_buffer",
     SettingKind::kBytes,
     R"("32MiB")",
     {},
     "How many bytes of events the kernel may keep for us, of execs and of all others each.\n"
     "A larger one is for bursts; what does not fit is lost, and counted.\n"},
    {"source.heartbeat",
     SettingKind::kDuration,
     R"("1s")",
     {},
     "How often detectd makes an event of its own to prove that it still sees any.\n"
     "Three that do not come are blind time.\n"
     "At most 2 seconds, for that to be noticed within 3.\n",
     "2s",
     "with more, three beats that do not come are noticed too late: write \"2s\" or less"},
    {"source.silent_after",
     SettingKind::kDuration,
     R"("1h")",
     {},
     "After how long without any process that begins this is told, as\n"
     ".Va on.silent\n"
     "says.\n"},
    {"source.events",
     SettingKind::kEventKinds,
     R"(["exec", "fork", "end", "uid_change", "gid_change", "session_id_change", "ptrace", "coredump"])",
     {},
     "The kinds of events that are asked for, as in\n"
     ".Xr detectd-events 5 .\n"
     "Fewer cost less, and rules about the others are silent.\n"
     "Connections are looked for wherever a rule or a capture wants them, and need not stand here.\n"},
    {"enrich.max_argv",
     SettingKind::kBytes,
     R"("128KiB")",
     {},
     "How much of the arguments is kept: so many bytes from their begin, and an eighth of that from their "
     "end.\n"
     "Where something is left out,\n"
     ".Va detectd.argv_truncated\n"
     "is true.\n"
     "At most 8 MiB, which is more than Linux lets a program have.\n",
     "8MiB",
     "Linux lets a program have 6 MiB of arguments at most: write \"8MiB\" or less"},
    {"enrich.hash",
     SettingKind::kBoolean,
     "false",
     {},
     "Whether\n"
     ".Va process.hash.sha256\n"
     "is worked out, within a bound of bytes a second.\n"},
    {"enrich.env",
     SettingKind::kTexts,
     "[]",
     {},
     "Names of environment variables that are kept in\n"
     ".Va process.env_vars .\n"
     "They may hold secrets.\n"},
    {"rules.paths",
     SettingKind::kPaths,
     R"(["/usr/share/detectd/rules", "/etc/detectd/rules"])",
     {},
     "Files with rules, and directories of them, which are read recursively.\n"
     "Of the default those that are there are read; of others all must be.\n"},
    {"engine.slow_event",
     SettingKind::kDuration,
     R"("5ms")",
     {},
     "While the host is watched, an event whose evaluation takes longer, in time of the processor, is "
     "counted.\n"
     "Once a minute at most that is a hit of\n"
     ".Li detectd.slow_event .\n"
     "It changes no result.\n"},
    {"engine.max_processes",
     SettingKind::kCount,
     "100000",
     {},
     "How many processes are known at once.\n"
     "Beyond them those that ended first, then those that were quiet longest are forgotten, and counted.\n"},
    {"engine.correlation_memory",
     SettingKind::kBytes,
     R"("64MiB")",
     {},
     "What correlations may remember.\n"
     "Beyond it the oldest groups of the largest are forgotten, and counted.\n"},
    {"response.mode", SettingKind::kChoice, R"("dry-run")", "dry-run enforce",
     "Whether what rules ask for is done to processes, or only recorded; see RESPONSES in\n"
     ".Xr detectd-rules 5 .\n"},
    {"response.per_rule",
     SettingKind::kRate,
     R"("5/min")",
     {},
     "How often one rule may do something to a process, in any such time;\n"
     ".Li \\(dq0\\(dq\n"
     "is without limit.\n"
     "What is beyond it is told, and not done later.\n"
     "A tree counts as one.\n"},
    {"response.total", SettingKind::kRate, R"("20/min")", {}, "How often all rules together may.\n"},
    {"response.protect_executables",
     SettingKind::kPaths,
     R"(["/usr/sbin/sshd"])",
     {},
     "Programs to whose processes nothing is done: those whose executable is the file of that path, and "
     "those whose "
     "file has no path any more and had that one, as after an upgrade.\n"},
    {"response.protect_units",
     SettingKind::kTexts,
     R"(["ssh.service"])",
     {},
     "Units of systemd, slices among them, to whose processes nothing is done, nor to those in control "
     "groups "
     "below.\n"
     "What a user's own manager calls a unit is none.\n"},
    {"response.deny_paths",
     SettingKind::kPaths,
     R"(["/"])",
     {},
     "Where execs can be denied, or judged before they happen: on the file systems that these paths are on.\n"
     "Each exec there waits for a verdict while a rule with\n"
     ".Cm deny\n"
     "is armed.\n"},
    {"response.deny_deadline",
     SettingKind::kDuration,
     R"("250ms")",
     {},
     "How long an exec may wait for a verdict.\n"
     "Then it goes on, and is counted.\n"},
    {"store.path",
     SettingKind::kPath,
     R"("/var/lib/detectd/hits.db")",
     {},
     "The database of hits; see\n"
     ".Xr detectd-hits 5 .\n"},
    {"store.spill",
     SettingKind::kPath,
     R"("/var/lib/detectd/hits.spill")",
     {},
     "Takes hits while the database can not: a file that is allocated beforehand, so that a full disk does "
     "not matter.\n"},
    {"store.max_size",
     SettingKind::kBytes,
     R"("1GiB")",
     {},
     "The oldest hits go when the database gets larger.\n"},
    {"store.keep", SettingKind::kDuration, R"("90d")", {}, "Hits that are older go.\n"},
    {"store.redact",
     SettingKind::kPatterns,
     R"(['(?i)password=\S+'])",
     {},
     "Regular expressions; what they match in an event is not stored.\n"},
    {"history.enabled",
     SettingKind::kBoolean,
     "false",
     {},
     "Whether all events are kept, in compressed captures.\n"},
    {"history.path",
     SettingKind::kPath,
     R"("/var/lib/detectd/history")",
     {},
     "The directory of these captures.\n"},
    {"history.max_size",
     SettingKind::kBytes,
     R"("2GiB")",
     {},
     "The oldest of them go when all get larger.\n"},
    {"control.path",
     SettingKind::kPath,
     R"("/run/detectd/control")",
     {},
     "Where\n"
     ".Xr detectctl 1\n"
     "asks the daemon.\n"
     "The daemon that owns the host's lock answers there; another one only where this is set.\n"},
    {"control.group",
     SettingKind::kText,
     R"("")",
     {},
     "A group whose members may ask the daemon, as root may, and change what it does;\n"
     ".Li \\(dq\\(dq\n"
     "is none.\n"},
    {"on.disk_low", SettingKind::kChoice, R"("log")", kConditionActions,
     "What is done when the disk is nearly full: a message, or a hit of\n"
     ".Li detectd.disk_low\n"
     "besides.\n"},
    {"on.disk_full", SettingKind::kChoice, R"("spill")", "log alert spill",
     "What is done when the disk is full.\n"
     "Hits go to\n"
     ".Va store.spill\n"
     "in any case; with\n"
     ".Cm alert\n"
     "receivers of alerts are told at once, and there is a hit of\n"
     ".Li detectd.disk_full .\n"},
    {"on.lost", SettingKind::kChoice, R"("alert")", kConditionActions,
     "What is done when events were lost: the hit is only stored, or told, too.\n"},
    {"on.blind", SettingKind::kChoice, R"("alert")", kConditionActions,
     "What is done when no events come any more.\n"},
    {"on.silent", SettingKind::kChoice, R"("alert")", kConditionActions,
     "What is done when no process begins for\n"
     ".Va source.silent_after .\n"},
};

constexpr Setting kAlertSettings[] = {
    {"alert.type",
     SettingKind::kChoice,
     {},
     "journal syslog json_file webhook command unix_socket",
     "Where alerts go.\n"
     "Must be given.\n"},
    {"alert.name",
     SettingKind::kText,
     {},
     {},
     "By this it is known from one start to the next, and in messages.\n"
     "Default: its type, and a number where there are several of that type.\n"},
    {"alert.level",
     SettingKind::kChoice,
     {},
     "informational low medium high critical",
     "Only hits of this level and above.\n"},
    {"alert.tags",
     SettingKind::kTexts,
     {},
     {},
     "Only hits of rules with one of these tags;\n"
     ".Li \\(dqattack.*\\(dq\n"
     "is any that begins so.\n"},
    {"alert.rules",
     SettingKind::kTexts,
     {},
     {},
     "Only hits of these rules, by name or id.\n"
     "The built-in ones are called\n"
     ".Li detectd.lost\n"
     "and so on;\n"
     ".Li \\(dqdetectd.*\\(dq\n"
     "is all of them.\n"},
    {"alert.url",
     SettingKind::kText,
     {},
     {},
     "Of a\n"
     ".Cm webhook :\n"
     "where to, by https, or by http to this host itself.\n"
     "Of a\n"
     ".Cm syslog :\n"
     ".Li \\(dqtls://HOST:6514\\(dq\n"
     "or\n"
     ".Li \\(dqtcp://HOST:514\\(dq ;\n"
     "without it, this host's.\n"},
    {"alert.url_file",
     SettingKind::kPath,
     {},
     {},
     "Instead of\n"
     ".Va url\n"
     "of a\n"
     ".Cm webhook ,\n"
     "where that is a secret: a file that holds it, and that others can not read.\n"},
    {"alert.headers_file",
     SettingKind::kPath,
     {},
     {},
     "Of a\n"
     ".Cm webhook :\n"
     "a file with a header a line, such as\n"
     ".Ql Authorization: Bearer TOKEN ,\n"
     "that others can not read.\n"
     "It is read for each request.\n"},
    {"alert.body",
     SettingKind::kChoice,
     {},
     "json slack ocsf ecs",
     "Of a\n"
     ".Cm webhook :\n"
     "the hit as\n"
     ".Ic detectd --output json\n"
     "prints it (the default), a message for Slack and those that take its messages, a Detection Finding of "
     "OCSF 1.3, "
     "or a document of ECS 8.\n"},
    {"alert.ca_file",
     SettingKind::kPath,
     {},
     {},
     "Certificates of who may vouch for the receiver.\n"
     "Default: those that the system trusts.\n"},
    {"alert.path",
     SettingKind::kPath,
     {},
     {},
     "Of a\n"
     ".Cm json_file\n"
     "or a\n"
     ".Cm unix_socket ,\n"
     "which must have it; of a\n"
     ".Cm syslog\n"
     "(default\n"
     ".Pa /dev/log )\n"
     "or a\n"
     ".Cm journal\n"
     "(default\n"
     ".Pa /run/systemd/journal/socket ) .\n"},
    {"alert.max_size",
     SettingKind::kBytes,
     {},
     {},
     "Of a\n"
     ".Cm json_file :\n"
     "when it would get larger, it is renamed and a new one begun; five of those before are kept.\n"
     "Default:\n"
     ".Li \\(dq100MiB\\(dq\n"},
    {"alert.command",
     SettingKind::kTexts,
     {},
     {},
     "A program and its arguments, run without a shell; the hit is on its standard input, as one line of "
     "JSON.\n"
     "It ends with status 0 where it has done its work; else it is run again.\n"},
    {"alert.user",
     SettingKind::kText,
     {},
     {},
     "Who the\n"
     ".Cm command\n"
     "is run as, where detectd is root.\n"
     "Default:\n"
     ".Li \\(dqdetectd\\(dq\n"},
    {"alert.timeout",
     SettingKind::kDuration,
     {},
     {},
     "How long a receiver, or a\n"
     ".Cm command ,\n"
     "may take.\n"
     "Default:\n"
     ".Li \\(dq10s\\(dq ,\n"
     "of a command\n"
     ".Li \\(dq30s\\(dq\n"},
    {"alert.retry_for",
     SettingKind::kDuration,
     {},
     {},
     "How old a hit may get while its receiver does not answer; then it is not told any more, and counted.\n"
     "Default:\n"
     ".Li \\(dq24h\\(dq\n"},
    {"alert.rate",
     SettingKind::kRate,
     {},
     {},
     "How many hits are told one by one in such a time; what comes beyond it is told as one alert with the "
     "numbers.\n"
     "What waited for a receiver that was down is told at this rate, each by itself, for up to a minute.\n"
     ".Li \\(dq0\\(dq\n"
     "is without limit.\n"
     "Default:\n"
     ".Li \\(dq1000/s\\(dq ,\n"
     "of a\n"
     ".Cm webhook\n"
     "or a\n"
     ".Cm command\n"
     ".Li \\(dq10000/h\\(dq\n"},
    {"alert.every",
     SettingKind::kDuration,
     {},
     {},
     "Sends a digest this often instead of each hit: which rules hit, how often, what was folded or muted, "
     "how long "
     "nobody saw, and which rules never hit.\n"
     "At least a minute.\n"},
    {"alert.at", SettingKind::kTime, {}, {}, "The time of day of a digest, local time.\n"},
    {"alert.heartbeat",
     SettingKind::kDuration,
     {},
     {},
     "Sends a sign of life this often, beside hits; at least a second.\n"
     "Who misses it knows that nobody watches.\n"},
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }
std::span<const Setting> alert_settings() { return kAlertSettings; }

}  // namespace detectd
