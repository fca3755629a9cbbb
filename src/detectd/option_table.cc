#include "src/detectd/option_table.h"

#include <cmath>
#include <utility>

#include "engine/rule_parser.h"
#include "src/capture_writer.h"
#include "src/detectd/options.h"
#include "src/detectd/settings.h"
#include "src/text.h"

namespace detectd {
namespace {

Error wrong(std::string message) { return {Errc::kUsage, std::move(message)}; }

Status set_level(Options& options, const std::string& value) {
  // The table of hits says `info`.
  return choose(value == "info" ? "informational" : value,
                {{"informational", std::optional(Level::kInformational)},
                 {"low", Level::kLow},
                 {"medium", Level::kMedium},
                 {"high", Level::kHigh},
                 {"critical", Level::kCritical}},
                options.level);
}

Status set_output(Options& options, const std::string& value) {
  return choose(
      value, {{"table", OutputFormat::kTable}, {"json", OutputFormat::kJson}, {"none", OutputFormat::kNone}},
      options.output);
}

Status set_color(Options& options, const std::string& value) { return choose_color(value, options.color); }

Status set_log_format(Options& options, const std::string& value) {
  return choose(value, {{"text", LogFormat::kText}, {"json", LogFormat::kJson}}, options.log_format);
}

// Both mean the same until there is a second format.
Status set_format(Options&, const std::string& value) {
  bool known = false;
  return choose(value, {{"auto", true}, {"jsonl", true}}, known);
}

Status set_fail_on(Options& options, const std::string& value) {
  if (value != "hit") return wrong(quoted(value) + " is not known; the only condition is `hit`");
  options.fail_on_hit = true;
  return {};
}

Status set_source(Options& options, const std::string& value) {
  if (const auto help = help_on_source(value))
    return wrong(quoted(value) + " is not built into this version; " + *help);
  std::string source;
  Status status = choose(
      value, {{"auto", "auto"}, {"ebpf", "ebpf"}, {"connector", "connector"}, {"procfs", "procfs"}}, source);
  if (status) options.source = source;
  return status;
}

Status set_threads(Options& options, const std::string& value) {
  const auto threads = parse_number<unsigned>(value);
  if (!threads || *threads < 1 || *threads > 256) {
    return wrong(quoted(value) + " is not a number from 1 to 256");
  }
  options.threads = *threads;
  return {};
}

Status set_speed(Options& options, const std::string& value) {
  if (value == "max") {
    options.speed = 0;
    return {};
  }
  const auto speed = parse_number<double>(value);
  if (!speed || !std::isfinite(*speed) || *speed < 0.001 || *speed > 1e6) {
    return wrong(quoted(value) + " is neither `max` nor a number from 0.001 to 1000000; 1 is as it happened");
  }
  options.speed = *speed;
  return {};
}

Status set_timeout(Options& options, const std::string& value) {
  const auto timeout_ns = parse_duration(value);
  if (!timeout_ns) return wrong(quoted(value) + " is not a duration such as `30s`, `5m` or `2h`");
  options.timeout_ns = *timeout_ns;
  return {};
}

Status set_limit(Options& options, const std::string& value) {
  const auto limit = parse_number<uint64_t>(value);
  if (!limit || *limit == 0) return wrong(quoted(value) + " is not a number of hits from 1");
  options.limit = *limit;
  return {};
}

Status set_db(Options& options, const std::string& value) {
  options.db = value;
  options.no_db = false;
  return {};
}

Status set_capture_max(Options& options, const std::string& value) {
  const auto bytes = parse_bytes(value);
  if (!bytes || *bytes < CaptureWriter::kMinPartBytes)
    return wrong(quoted(value) + " is not a size from 64KiB, such as `256MiB` or `1GiB`");
  options.capture_max_bytes = *bytes;
  return {};
}

Status no_db(Options& options, const std::string&) {
  options.db.reset();
  options.no_db = true;
  return {};
}

constexpr std::string_view kTask = "What to do";
constexpr std::string_view kInput = "Input";
constexpr std::string_view kSelection = "Selection";
constexpr std::string_view kRun = "The run";
constexpr std::string_view kOutput = "Output";
constexpr std::string_view kMessages = "Messages";

constexpr OptionRow kTable[] = {
    {.group = kTask,
     .letter = 'R',
     .name = "replay",
     .value = "FILE",
     .repeatable = true,
     .help = "evaluate a capture: plain, gzip or zstd; - is standard\n"
             "input; more files may follow, merged by time",
     .manual = "Evaluate a capture: JSON Lines, plain or compressed with gzip or zstd.\n"
               ".Sq -\n"
               "is standard input.\n"
               "May be repeated, and more files may follow as arguments; their events are merged by "
               "time.\n"
               "Needs no privileges and never responds.\n",
     .apply = append<&Options::captures>},
    {.group = kTask,
     .letter = 't',
     .name = "check",
     .help = "check the configuration and the rules, nothing else",
     .manual = "Check the configuration and the rules and open nothing else.\n"
               "All mistakes of all files are shown.\n"
               "For root, rule files of the configuration that others can write are mistakes; what\n"
               ".Fl Fl rules\n"
               "names may be anybody's.\n",
     .apply = enable<&Options::check>},
    {.group = kTask,
     .name = "probe",
     .help = "say which kernel features work here, and what to do\n"
             "about those that do not (exit 5: nothing live works)",
     .manual = "Try out which features of the kernel work here, for this user, and say which levels of live "
               "collection and of response follow: a line each, with the remedy where something is missing.\n"
               "Changes nothing and takes some seconds at most.\n"
               "With\n"
               ".Fl Fl output Cm json\n"
               "or\n"
               ".Fl Fl log-format Cm json ,\n"
               "an object a line.\n"
               "The exit status is 5 where no live source works.\n",
     .apply = enable<&Options::probe>},
    {.group = kTask,
     .name = "print-config",
     .help = "print every configuration value with its origin",
     .manual = "Print every value of the configuration, and behind it where it comes from.\n",
     .apply = enable<&Options::print_config>},
    {.group = kTask,
     .letter = 'h',
     .name = "help",
     .help = "print this text",
     .manual = "Print a summary of the options.\n",
     .apply = enable<&Options::help>},
    {.group = kTask,
     .letter = 'V',
     .name = "version",
     .help = "print the version",
     .manual = "Print the version.\n",
     .apply = enable<&Options::version>},

    {.group = kInput,
     .letter = 'r',
     .name = "rules",
     .value = "PATH",
     .repeatable = true,
     .help = "rule file or directory instead of those of the\n"
             "configuration; repeatable",
     .manual = "A rule file, or a directory that is read recursively.\n"
               "May be repeated; replaces\n"
               ".Va rules.paths\n"
               "of the configuration.\n",
     .apply = append<&Options::rules>},
    {.group = kInput,
     .letter = 'c',
     .name = "config",
     .value = "FILE",
     .help = "default: /etc/detectd/detectd.toml, if it is there",
     .manual = "The configuration.\n"
               "The default is\n"
               ".Pa /etc/detectd/detectd.toml ;\n"
               "if that is absent, built-in defaults are used.\n"
               "Files\n"
               ".Pa *.toml\n"
               "in the directory\n"
               ".Pa detectd.d\n"
               "beside it are read after it, in byte order of their names.\n"
               "A replay uses the sections\n"
               ".Sq rules\n"
               "and\n"
               ".Sq engine\n"
               "only; the others are checked.\n",
     .apply = assign<&Options::config>},
    {.group = kInput,
     .name = "source",
     .value = "KIND",
     .help = "of live events: auto (default), ebpf, connector, or\n"
             "procfs, which polls, needs no root, and sees less",
     .manual =
         "Where live events come from; replaces\n"
         ".Va source.kind\n"
         "of the configuration.\n"
         ".Cm connector\n"
         "is the kernel's process connector, which needs root on the host itself.\n"
         "What it does not tell of a program is read from\n"
         ".Pa /proc\n"
         "before the program ends, which not always succeeds.\n"
         ".Cm ebpf\n"
         "is the connector, and a program in the kernel that hands over at each exec what would be read "
         "there:\n"
         "arguments, file, ids and place of every program, however short it runs, as they are before its "
         "first\n"
         "instruction; and at less cost.\n"
         "It needs Linux 5.17 with BTF, CAP_BPF and CAP_PERFMON.\n"
         ".Cm auto\n"
         "(the default) is\n"
         ".Cm ebpf\n"
         "where the kernel lets, else\n"
         ".Cm connector ,\n"
         "which is said.\n"
         "Where that can not be had, detectd refuses to run rather than to see less than was asked for.\n"
         ".Cm procfs\n"
         "looks at\n"
         ".Pa /proc\n"
         "every 100 ms instead.\n"
         "Any user may do so, in a container too, and what is seen are the processes that this user sees "
         "there.\n"
         "A process that begins and ends between two looks is not seen, nor is one program where another "
         "follows it in between;\n"
         "a new process is an\n"
         ".Cm exec ,\n"
         "or a\n"
         ".Cm fork\n"
         "where it still runs its parent's program;\n"
         "ends have no exit code; and there are no sessions, traces, core dumps or renamed threads.\n"
         "Connections are found as with the connector, of this network namespace and with the processes that "
         "this "
         "user may look into.\n"
         "The run begins with a\n"
         ".Cm lost\n"
         "event whose reason is\n"
         ".Sq polling ,\n"
         "so that it is incomplete, and its exit status 6, unless\n"
         ".Fl Fl allow-incomplete\n"
         "is given.\n",
     .apply = set<set_source>},
    {.group = kInput,
     .name = "format",
     .value = "FORMAT",
     .help = "of the captures: auto (default) or jsonl",
     .manual = "The format of the captures:\n"
               ".Cm auto\n"
               "(the default) or\n"
               ".Cm jsonl .\n",
     .apply = set<set_format>},
    {.group = kInput,
     .name = "skip-bad",
     .help = "count lines that can not be read and go on (exit 6);\n"
             "without it the first one stops the run (exit 4)",
     .manual = "Count lines that can not be read and go on; the exit status is then 6.\n"
               "Without it the first such line stops the run with exit status 4.\n",
     .apply = enable<&Options::skip_bad>},

    {.group = kSelection,
     .name = "only",
     .value = "RULE",
     .repeatable = true,
     .help = "run only this rule, by id or name; repeatable",
     .manual = "Run only this rule, given by its id or name.\n"
               "May be repeated.\n"
               "While the host is watched, the built-in rules run besides; a replay has none.\n",
     .apply = append<&Options::only>},
    {.group = kSelection,
     .name = "skip",
     .value = "RULE",
     .repeatable = true,
     .help = "do not run this rule; repeatable",
     .manual = "Do not run this rule, given by its id or name.\n"
               "May be repeated.\n"
               "The built-in rules can not be skipped.\n",
     .apply = append<&Options::skip>},
    {.group = kSelection,
     .name = "level",
     .value = "LEVEL",
     .help = "show hits of this level and above: informational,\n"
             "low, medium, high, critical",
     .manual = "Show only hits of this level and above:\n"
               ".Cm informational\n"
               "(the default),\n"
               ".Cm low ,\n"
               ".Cm medium ,\n"
               ".Cm high\n"
               "or\n"
               ".Cm critical .\n"
               "All rules still run, and the digests do not change.\n",
     .apply = set<set_level>},
    {.group = kSelection,
     .name = "from",
     .value = "TIME",
     .help = "show hits from this time on: -2h, yesterday,\n"
             "'2026-11-21 10:00' or RFC 3339",
     .manual = "Show only hits from this time on, itself included.\n"
               "All events are still read and all rules still run, and the digests do not change.\n"
               "A time is RFC 3339\n"
               ".Pq Sq 2026-11-21T10:00:00Z ,\n"
               "a date or a date and a time of day in the zone of\n"
               ".Fl Fl tz\n"
               ".Pq Sq 2026-11-21 10:00 ,\n"
               "a duration back from now\n"
               ".Pq Sq -2h ,\n"
               ".Sq now ,\n"
               ".Sq today\n"
               "or\n"
               ".Sq yesterday .\n",
     .apply = assign<&Options::from>},
    {.group = kSelection,
     .name = "to",
     .value = "TIME",
     .help = "show hits before this time",
     .manual = "Show only hits before this time, itself excluded; written as for\n"
               ".Fl Fl from .\n",
     .apply = assign<&Options::to>},

    {.group = kRun,
     .name = "threads",
     .value = "N",
     .help = "default: one a processor; changes no result",
     .manual = "The number of threads, from 1 to 256.\n"
               "The default is one a processor.\n"
               "The result does not depend on it.\n",
     .apply = set<set_threads>},
    {.group = kRun,
     .name = "speed",
     .value = "N",
     .help = "max (default), or N times as fast as it happened",
     .manual = "Replay as fast as possible\n"
               ".Pq Cm max , No the default\n"
               "or\n"
               ".Ar N\n"
               "times as fast as it happened, from 0.001 to 1000000.\n",
     .apply = set<set_speed>},
    {.group = kRun,
     .name = "timeout",
     .value = "TIME",
     .help = "stop after this time, such as 30s or 5m (exit 7)",
     .manual = "Stop after this time, such as\n"
               ".Sq 30s\n"
               "or\n"
               ".Sq 5m ,\n"
               "and print what was found until then; the exit status is then 7.\n",
     .apply = set<set_timeout>},
    {.group = kRun,
     .name = "limit",
     .value = "N",
     .help = "stop after N hits (exit 7)",
     .manual = "Stop after\n"
               ".Ar N\n"
               "hits that are shown; the exit status is then 7.\n",
     .apply = set<set_limit>},
    {.group = kRun,
     .name = "fail-on",
     .value = "hit",
     .help = "exit 1 if there was a hit",
     .manual = "With the argument\n"
               ".Cm hit :\n"
               "exit status 1 if a hit was shown.\n",
     .apply = set<set_fail_on>},
    {.group = kRun,
     .name = "allow-incomplete",
     .help = "exit 0 also where events were lost or skipped",
     .manual = "Exit status 0 instead of 6 where events were lost or lines skipped.\n"
               "The note about it stays.\n",
     .apply = enable<&Options::allow_incomplete>},
    {.group = kRun,
     .name = "dry-run",
     .help = "do nothing to processes, whatever response.mode\n"
             "says: record what would be done",
     .manual = "Do nothing to processes, whatever\n"
               ".Va response.mode\n"
               "of the configuration says: record what would be done.\n"
               "A replay never does anything to a process.\n",
     .apply = enable<&Options::dry_run>},

    {.group = kOutput,
     .letter = 'o',
     .name = "output",
     .value = "FORMAT",
     .help = "hits as table (default), json (JSON Lines) or none",
     .manual = "How hits are printed on standard output:\n"
               ".Cm table\n"
               "(the default),\n"
               ".Cm json\n"
               "(JSON Lines) or\n"
               ".Cm none ,\n"
               "which prints the summary only.\n",
     .apply = set<set_output>},
    {.group = kOutput,
     .name = "capture",
     .value = "FILE",
     .help = "also write all events, as rules saw them, to this new\n"
             "file; *.zst and *.gz are compressed",
     .manual =
         "Also write all events, in the order in which rules saw them, as a capture: its replay gives the "
         "same hits.\n"
         "All that can be read of a process then is, for rules that are still to be written, which costs "
         "more; see\n"
         ".Xr detectd-limits 7 .\n"
         "The name says how it is compressed:\n"
         ".Pa *.zst\n"
         "with zstd,\n"
         ".Pa *.gz\n"
         "with gzip, any other not at all.\n"
         "The file is created with mode 0600; one that is there already, be it empty, is never written to.\n"
         "A replay then ends with exit status 5.\n"
         "Who watches the host, and may be started again at any time, goes on under the name of the part "
         "behind "
         "the last that is there, as\n"
         ".Pa web01.0002.jsonl.zst ;\n"
         "given together, what several runs wrote is replayed in its order.\n"
         "Parts are never removed: keep an eye on the disk.\n"
         "Whatever ends the run, all but its last second can be read.\n"
         "Where writing fails, the capture ends there with an error, the run goes on, and the exit status "
         "is 5.\n"
         "In a replay this brings captures in order, merges and compresses them.\n",
     .apply = assign<&Options::capture>},
    {.group = kOutput,
     .name = "capture-max",
     .value = "SIZE",
     .help = "begin a new part of the capture at this size, such as\n"
             "256MiB; default: one part",
     .manual =
         "Begin a new part of the capture when its file has about this size, at least 64KiB:\n"
         ".Pa web01.jsonl.zst\n"
         "is followed by\n"
         ".Pa web01.0002.jsonl.zst .\n"
         "Each part begins with the processes that run then, so that it can be replayed by itself; given "
         "together, in any order, the parts are one capture again.\n",
     .apply = set<set_capture_max>},
    {.group = kOutput,
     .name = "db",
     .value = "FILE",
     .help = "record the hits in this SQLite database",
     .manual = "Record the hits that are shown in this SQLite database.\n"
               "Without a capture the default is\n"
               ".Va store.path\n"
               "of the configuration.\n"
               "It is created with mode 0600 if it is absent.\n"
               "The same replay twice adds nothing twice.\n",
     .apply = set<set_db>},
    {.group = kOutput,
     .name = "no-db",
     .help = "record nothing (the default of a replay)",
     .manual = "Record nothing.\n"
               "This is the default of a replay; of it and\n"
               ".Fl Fl db\n"
               "the last one counts.\n",
     .apply = set<no_db>},
    {.group = kOutput,
     .name = "tz",
     .value = "ZONE",
     .help = "times in this zone: UTC, local, Europe/Berlin;\n"
             "default: local on a terminal, UTC elsewhere",
     .manual = "Show times of the table in this zone:\n"
               ".Cm UTC ,\n"
               ".Cm local\n"
               "or a name such as\n"
               ".Sq Europe/Berlin .\n"
               "The default is the local zone on a terminal and UTC elsewhere.\n"
               "JSON is always in UTC.\n",
     .apply = assign<&Options::tz>},
    {.group = kOutput,
     .name = "stats",
     .help = "print what was read, how fast, and how much memory",
     .manual = "Print after the run what was read, how fast, and how much memory it took.\n",
     .apply = enable<&Options::stats>},
    {.group = kOutput,
     .name = "profile",
     .help = "print hits and cost of each rule",
     .manual = "Print after the run how often each rule hit, how many events were of its kinds, and "
               "what it costs an event, in nanoseconds of the processor.\n"
               "The cost is measured by evaluating each rule by itself on every 64th event, which takes "
               "time of its own; what rules have in common costs less when they run together.\n",
     .apply = enable<&Options::profile>},
    {.group = kOutput,
     .name = "color",
     .value = "WHEN",
     .help = kColorHelp,
     .manual = kColorManual,
     .apply = set<set_color>},

    {.group = kMessages,
     .letter = 'q',
     .name = "quiet",
     .help = "no summary, notes or warnings; errors and hits only",
     .manual = "No notes, warnings or progress bar, no summary below a table, and with\n"
               ".Fl Fl check\n"
               "no count: hits and errors only.\n"
               "The last object of\n"
               ".Fl Fl output Cm json\n"
               "and the tables of\n"
               ".Fl Fl stats\n"
               "and\n"
               ".Fl Fl profile\n"
               "stay.\n",
     .apply = enable<&Options::quiet>},
    {.group = kMessages,
     .letter = 'v',
     .name = "verbose",
     .help = "say what is being done",
     .manual = "Say what is being done.\n",
     .apply = enable<&Options::verbose>},
    {.group = kMessages,
     .name = "log-format",
     .value = "FORMAT",
     .help = "messages as text (default) or json",
     .manual = "Messages on standard error as\n"
               ".Cm text\n"
               "(the default) or\n"
               ".Cm json ,\n"
               "one object a line.\n",
     .apply = set<set_log_format>},
};

}  // namespace

std::span<const OptionRow> option_table() { return kTable; }

}  // namespace detectd
