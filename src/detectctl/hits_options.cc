#include "src/detectctl/hits_options.h"

#include <unistd.h>

#include <variant>

#include "engine/json_writer.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/store_messages.h"
#include "src/text.h"
#include "src/time_option.h"

namespace detectd {
namespace {

constexpr std::string_view kWhere = "Database";
constexpr std::string_view kWhich = "Which hits";
constexpr std::string_view kHow = "How they are shown";

Status set_level(HitsOptions& options, const std::string& value) {
  return choose(value == "info" ? "informational" : value,
                {{"informational", std::optional(Level::kInformational)},
                 {"low", Level::kLow},
                 {"medium", Level::kMedium},
                 {"high", Level::kHigh},
                 {"critical", Level::kCritical}},
                options.level);
}

Status set_limit(HitsOptions& options, const std::string& value) {
  const auto limit = parse_number<uint64_t>(value);
  if (!limit || *limit == 0) return Error{Errc::kUsage, quoted(value) + " is not a number from 1"};
  options.limit = *limit;
  return {};
}

Status set_columns(HitsOptions& options, const std::string& value) {
  size_t begin = 0;
  while (begin <= value.size()) {
    const size_t end = std::min(value.find(',', begin), value.size());
    options.columns.push_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  return {};
}

constexpr OptionRow kDb = {.group = kWhere,
                           .name = "db",
                           .value = "FILE",
                           .help = "instead of /var/lib/detectd/hits.db",
                           .manual = "The database; the default is\n.Pa /var/lib/detectd/hits.db .\n",
                           .apply = assign<&HitsOptions::db>};
constexpr OptionRow kAllowIncomplete = {
    .group = kWhere,
    .name = "allow-incomplete",
    .help = "exit status 0 where it would be 6",
    .manual = "Exit status 0 where what is shown is incomplete, instead of 6.\n",
    .apply = enable<&HitsOptions::allow_incomplete>};
constexpr OptionRow kSince = {.group = kWhich,
                              .name = "since",
                              .value = "TIME",
                              .help = "from then on: -2h, yesterday, 2026-11-21 10:00",
                              .manual =
                                  "Hits from this time on: a duration back from now\n"
                                  ".Pq Sq -2h ,\n"
                                  ".Sq today ,\n"
                                  ".Sq yesterday ,\n"
                                  "a date, a date and a time of day, or RFC 3339.\n",
                              .apply = assign<&HitsOptions::since>};
constexpr OptionRow kUntil = {.group = kWhich,
                              .name = "until",
                              .value = "TIME",
                              .help = "before then",
                              .manual = "Hits before this time.\n",
                              .apply = assign<&HitsOptions::until>};
constexpr OptionRow kRule = {.group = kWhich,
                             .name = "rule",
                             .value = "RULE",
                             .repeatable = true,
                             .help = "of this rule: its id, name or title; repeatable",
                             .manual = "Hits of this rule, by its id, name or title.\nMay be repeated.\n",
                             .apply = append<&HitsOptions::rules>};
constexpr OptionRow kLevel = {.group = kWhich,
                              .name = "level",
                              .value = "LEVEL",
                              .help = "of this level and above",
                              .manual = "Hits of this level and above.\n",
                              .apply = set<set_level>};
constexpr OptionRow kUser = {.group = kWhich,
                             .name = "user",
                             .value = "USER",
                             .help = "of processes of this user: a name or an id",
                             .manual = "Hits of processes with this effective user, a name or an id.\n",
                             .apply = assign<&HitsOptions::user>};
constexpr OptionRow kHost = {.group = kWhich,
                             .name = "host",
                             .value = "HOST",
                             .help = "on this host",
                             .manual = "Hits on this host.\n",
                             .apply = assign<&HitsOptions::host>};
constexpr OptionRow kGrep = {
    .group = kWhich,
    .name = "grep",
    .value = "REGEX",
    .help = "in which this is found; (?i) for any case",
    .manual =
        "Hits in whose process, command line, user, host, rule or event this regular "
        "expression is found.\n"
        "It minds case;\n"
        ".Sq (?i)\n"
        "at its begin makes it not to.\n",
    .apply = assign<&HitsOptions::grep>};
constexpr OptionRow kOpen = {.group = kWhich,
                             .name = "open",
                             .help = "that nobody has acknowledged",
                             .manual = "Hits that nobody has acknowledged with\n.Cm hits ack .\n",
                             .apply = enable<&HitsOptions::open>};
constexpr OptionRow kLimit = {.group = kWhich,
                              .name = "limit",
                              .value = "N",
                              .help = "at most this many",
                              .manual = "At most this many; of hits the newest, of a tree lines.\n",
                              .apply = set<set_limit>};
constexpr OptionRow kTz = {.group = kHow,
                           .name = "tz",
                           .value = "ZONE",
                           .help = "UTC, local or a name such as Europe/Berlin",
                           .manual =
                               "The zone of times, written and read:\n"
                               ".Cm UTC ,\n"
                               ".Cm local\n"
                               "or a name such as Europe/Berlin.\n"
                               "The default is local on a terminal and UTC elsewhere.\n",
                           .apply = assign<&HitsOptions::tz>};
constexpr OptionRow kJson = {.group = kHow,
                             .name = "json",
                             .help = "JSON Lines, as detectd --output json",
                             .manual = "JSON Lines, described in\n.Xr detectd-hits 5 .\n",
                             .apply = enable<&HitsOptions::json>};
constexpr OptionRow kCsv = {
    .group = kHow,
    .name = "csv",
    .help = "comma-separated values, safe for spreadsheets",
    .manual =
        "Comma-separated values (RFC 4180) with a line of names.\n"
        "A value that a spreadsheet would take for a formula begins with a single quote.\n",
    .apply = enable<&HitsOptions::csv>};
constexpr OptionRow kColumns = {
    .group = kHow,
    .name = "columns",
    .value = "NAME,...",
    .help = "which columns; a wrong name lists them all",
    .manual = "Which columns, separated by commas; a name that does not exist lists those that do.\n",
    .apply = set<set_columns>};
constexpr OptionRow kRedact = {
    .group = kHow,
    .name = "redact",
    .value = "REGEX",
    .repeatable = true,
    .help = "replace what this matches; repeatable",
    .manual =
        "Replace what this regular expression matches, besides what was replaced when hits "
        "were stored.\nMay be repeated.\n",
    .apply = append<&HitsOptions::redact>};
constexpr OptionRow kGroupBy = {
    .group = kHow,
    .name = "group-by",
    .value = "WHAT",
    .help = "rule (default), level, user, host, executable or\nparent",
    .manual =
        "What is counted:\n.Cm rule\n(the default),\n.Cm level ,\n.Cm user ,\n.Cm host ,\n"
        ".Cm executable\nor\n.Cm parent .\n",
    .apply = assign<&HitsOptions::group_by>};
constexpr OptionRow kBy = {
    .group = kHow,
    .name = "by",
    .value = "WIDTH",
    .help = "of a bar: minute, hour, day, or a duration as 10m",
    .manual =
        "The width of a bar:\n.Cm minute ,\n.Cm hour ,\n.Cm day\nor a duration such as 10m.\n"
        "The default gives some twenty bars.\n",
    .apply = assign<&HitsOptions::by>};
constexpr OptionRow kNote = {.group = kHow,
                             .name = "note",
                             .value = "TEXT",
                             .help = "why: kept beside the hit",
                             .manual = "Why; kept beside the hit.\n",
                             .apply = assign<&HitsOptions::note>};

constexpr OptionRow kMarkdown = {.group = kHow,
                                 .name = "markdown",
                                 .help = "Markdown instead of HTML",
                                 .manual = "Print Markdown instead of HTML.\n",
                                 .apply = enable<&HitsOptions::markdown>};

constexpr OptionRow kListTable[] = {
    kDb,   kAllowIncomplete, kSince, kUntil, kRule, kLevel,  kUser, kHost, kGrep,
    kOpen, kLimit,           kTz,    kJson,  kCsv,  kColumns};
constexpr OptionRow kExportTable[] = {
    kDb,   kAllowIncomplete, kSince, kUntil, kRule,    kLevel, kUser, kHost, kGrep,
    kOpen, kLimit,           kTz,    kCsv,   kColumns, kRedact};
constexpr OptionRow kFollowTable[] = {kDb, kRule, kLevel, kUser, kHost, kGrep, kTz, kJson};
constexpr OptionRow kOneHitTable[] = {kDb, kAllowIncomplete, kTz, kJson};
constexpr OptionRow kTreeTable[] = {kDb, kAllowIncomplete, kLimit, kTz, kJson};
constexpr OptionRow kTopTable[] = {
    kDb,   kAllowIncomplete, kSince, kUntil, kRule, kLevel,  kUser, kHost, kGrep,
    kOpen, kLimit,           kTz,    kJson,  kCsv,  kGroupBy};
constexpr OptionRow kTimelineTable[] = {
    kDb, kAllowIncomplete, kSince, kUntil, kRule, kLevel, kUser, kHost, kGrep, kOpen, kTz, kJson, kBy};
constexpr OptionRow kAckTable[] = {kDb, kNote};
constexpr OptionRow kGapsTable[] = {kDb, kAllowIncomplete, kSince, kUntil, kHost, kTz, kJson};
constexpr OptionRow kReportTable[] = {
    kDb, kAllowIncomplete, kSince, kUntil, kRule, kLevel, kUser, kHost, kGrep, kOpen, kTz, kMarkdown};
constexpr OptionRow kDbTable[] = {kDb, kJson};

}  // namespace

std::span<const OptionRow> list_options() { return kListTable; }
std::span<const OptionRow> export_options() { return kExportTable; }
std::span<const OptionRow> follow_options() { return kFollowTable; }
std::span<const OptionRow> one_hit_options() { return kOneHitTable; }
std::span<const OptionRow> tree_options() { return kTreeTable; }
std::span<const OptionRow> top_options() { return kTopTable; }
std::span<const OptionRow> timeline_options() { return kTimelineTable; }
std::span<const OptionRow> ack_options() { return kAckTable; }
std::span<const OptionRow> gaps_options() { return kGapsTable; }
std::span<const OptionRow> report_options() { return kReportTable; }
std::span<const OptionRow> db_options() { return kDbTable; }

ExitStatus fail_store(const Error& error) {
  tell_store_error(error);
  return exit_status_of(error);
}

Result<HitQuery> open_query(const HitsOptions& options) {
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, ColorChoice::kAuto).is_terminal;
  if (Status status = use_time_zone(options.tz.value_or(on_terminal ? "local" : "UTC")); !status) {
    fail(std::move(status.error()).within("--tz"));
    return Error{Errc::kUsage, {}};
  }
  HitFilter filter{.rules = options.rules,
                   .min_level = options.level,
                   .user = options.user,
                   .host = options.host,
                   .unacknowledged = options.open};
  if (!read_time("--since", options.since, filter.since_ns) ||
      !read_time("--until", options.until, filter.until_ns)) {
    return Error{Errc::kUsage, {}};
  }
  std::unique_ptr<Regex> grep;
  if (!options.grep.empty()) {
    auto compiled = Regex::compile(options.grep, {});
    if (const auto* error = std::get_if<RegexError>(&compiled)) {
      fail({Errc::kUsage, "--grep: " + quoted(options.grep) + " can not be used: " + error->message});
      return Error{Errc::kUsage, {}};
    }
    grep = std::make_unique<Regex>(std::get<Regex>(std::move(compiled)));
    filter.grep = grep.get();
  }
  Result<HitReader> reader = HitReader::open(options.db);
  if (!reader) {
    fail_store(reader.error());
    return std::move(reader).error();
  }
  return HitQuery{*std::move(reader), std::move(filter), std::move(grep)};
}

std::string completeness_text(const Completeness& told) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
  if (told.gaps != 0) {
    std::string lost = told.uncounted_gaps == 0 ? plural(told.lost, "event") : "an unknown number of events";
    if (told.uncounted_gaps != 0 && told.lost != 0) lost = "at least " + plural(told.lost, "event");
    add("sensor lost " + lost + " in " + plural(told.gaps, "gap"));
  }
  if (told.skipped != 0) add(plural(told.skipped, "line") + " of captures skipped");
  if (told.incomplete_runs != 0)
    add(plural(told.incomplete_runs, "run") + " of " + with_separators(told.runs) + " cut short");
  if (told.waiting != 0)
    add(plural(told.waiting, "hit") + (told.waiting == 1 ? " waits" : " wait") + " in the spill");
  if (text.empty()) text = "complete";
  if (told.open_runs != 0)
    add(plural(told.open_runs, "run") + (told.open_runs == 1 ? " has" : " have") + " not ended");
  if (told.pruned != 0) {
    add(plural(told.pruned, "older hit") + " pruned" +
        (told.pruned_until_ns ? ", to " + format_time(*told.pruned_until_ns, 0) : ""));
  }
  return text;
}

ExitStatus tell_completeness(const HitQuery& query, const HitsOptions& options, Call& call, uint64_t shown) {
  const Result<Completeness> told = query.reader.completeness(query.filter);
  if (!told) return fail_store(told.error());
  if (options.json) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "summary");
    json.member_number("hits", static_cast<int64_t>(shown));
    json.member_number("runs", static_cast<int64_t>(told->runs));
    json.member_number("open_runs", static_cast<int64_t>(told->open_runs));
    json.member_number("incomplete_runs", static_cast<int64_t>(told->incomplete_runs));
    json.member_number("skipped", static_cast<int64_t>(told->skipped));
    json.member_number("lost", static_cast<int64_t>(told->lost));
    json.member_number("gaps", static_cast<int64_t>(told->gaps));
    json.member_number("waiting", static_cast<int64_t>(told->waiting));
    json.member_number("pruned", static_cast<int64_t>(told->pruned));
    json.member_boolean("complete", told->complete());
    json.end_object();
    call.output.write(json.text() + "\n");
  } else if (!options.csv && !call.common.quiet) {
    call.output.write(plural(shown, "hit") + "; " + completeness_text(*told) + "\n");
  }
  return told->complete() || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace detectd
