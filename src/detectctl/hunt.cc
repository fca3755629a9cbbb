// detectctl hunt: what rules would have hit, and ended, in recorded days.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "engine/engine.h"
#include "engine/json_writer.h"
#include "engine/matcher.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hunt_report.h"
#include "src/detectctl/hunt_tally.h"
#include "src/detectd/config.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/respond/rate.h"
#include "src/rule_document.h"
#include "src/rule_selection.h"
#include "src/sources/replay.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

struct HuntOptions {
  std::vector<std::string> captures;
  std::vector<std::string> rules;
  std::optional<ResponseAction> as;
  std::string config;
  std::optional<std::string> tz;
  unsigned rows = 10;
  bool json = false;
  bool skip_bad = false;
  bool allow_incomplete = false;
};

Status set_as(HuntOptions& options, const std::string& value) {
  const auto action = find_response_action(value);
  if (!action) return not_one_of(value, {"alert", "kill", "kill_tree", "stop", "deny"});
  options.as = *action;
  return {};
}

Status set_rows(HuntOptions& options, const std::string& value) {
  const auto rows = parse_number<unsigned>(value);
  if (!rows || *rows == 0) return Error{Errc::kUsage, detectd::quoted(value) + " is not a number from 1 on"};
  options.rows = *rows;
  return {};
}

Status set_tz(HuntOptions& options, const std::string& value) {
  options.tz = value;
  return use_time_zone(value);
}

constexpr std::string_view kWhat = "What is judged";
constexpr std::string_view kShown = "What is shown";

constexpr OptionRow kTable[] = {
    {.group = kWhat,
     .name = "on",
     .value = "CAPTURE",
     .repeatable = true,
     .help = "recorded events, as detectd --replay reads them;\n"
             "- is standard input",
     .manual = "Recorded events, plain or compressed, as\n"
               ".Nm detectd Fl Fl replay\n"
               "reads them;\n"
               ".Sq -\n"
               "is standard input.\n"
               "Several are merged by time.\n",
     .apply = append<&HuntOptions::captures>},
    {.group = kWhat,
     .letter = 'r',
     .name = "rules",
     .value = "PATH",
     .repeatable = true,
     .help = "where rules given by name are, and lists",
     .manual = "Where the rules are that are given by id or name, and the lists and fields that rules need.\n"
               "The default is the shipped rules and those of the site.\n",
     .apply = append<&HuntOptions::rules>},
    {.group = kWhat,
     .name = "as",
     .value = "ACTION",
     .help = "as if the rules had this response: kill,\n"
             "kill_tree, stop, deny or alert",
     .manual = "As if this were the response of the rules:\n"
               ".Cm kill , kill_tree , stop , deny\n"
               "or\n"
               ".Cm alert .\n",
     .apply = set<set_as>},
    {.group = kWhat,
     .letter = 'c',
     .name = "config",
     .value = "FILE",
     .help = "whose [response] says what is protected, and the\n"
             "budget; otherwise the default of detectd.toml(5)",
     .manual = "The configuration whose\n"
               ".Sq [response]\n"
               "says what is protected, and how often rules may respond.\n"
               "Without one it is what\n"
               ".Xr detectd.toml 5\n"
               "calls the default.\n",
     .apply = assign<&HuntOptions::config>},
    {.group = kWhat,
     .name = "skip-bad",
     .help = "count lines that can not be read, and go on",
     .manual = "Count lines that can not be read, and go on.\n",
     .apply = enable<&HuntOptions::skip_bad>},
    {.group = kShown,
     .name = "limit",
     .value = "N",
     .help = "rows of a table, 10 where not given",
     .manual = "So many rows of each table but that of days; the default is 10.\n",
     .apply = set<set_rows>},
    {.group = kShown,
     .name = "tz",
     .value = "ZONE",
     .help = "UTC, local or a name such as Europe/Berlin",
     .manual = "The zone of times and days:\n"
               ".Cm UTC , local\n"
               "or a name such as\n"
               ".Cm Europe/Berlin .\n"
               "The default is local time on a terminal, else UTC.\n",
     .apply = set<set_tz>},
    {.group = kShown,
     .name = "json",
     .help = "an object a rule, a line each, and a summary",
     .manual = "Print an object a rule, a line each, and one that says how complete the captures are.\n",
     .apply = enable<&HuntOptions::json>},
    {.group = kShown,
     .name = "allow-incomplete",
     .help = "exit 0 also where events were lost or skipped",
     .manual = "Exit 0 also where events were lost or lines skipped.\n",
     .apply = enable<&HuntOptions::allow_incomplete>},
};

// Rules by paths, and rules by name.
struct Wanted {
  std::vector<std::string> paths;
  std::vector<std::string> names;
};

Wanted wanted_of(const std::vector<std::string>& words) {
  Wanted wanted;
  for (const std::string& word : words) {
    std::error_code ignored;
    const bool is_path = word.find('/') != std::string::npos || word.ends_with(".toml") ||
                         std::filesystem::exists(word, ignored);
    (is_path ? wanted.paths : wanted.names).push_back(word);
  }
  return wanted;
}

bool is_below(const std::string& file, const std::string& path) {
  return file == path || (file.size() > path.size() && file.starts_with(path) &&
                          (path.back() == '/' || file[path.size()] == '/'));
}

// Every hit counts, and an exec that is to be judged before it happens is looked for among those that did.
ResponseAction prepare(Rule& rule, const HuntOptions& options) {
  const ResponseAction action =
      options.as.value_or(rule.response ? rule.response->action : ResponseAction::kAlert);
  if (options.as) {
    if (!rule.response) rule.response.emplace().span = rule.span;
    rule.response->action = action;
  }
  if (rule.on.has(EventKind::kExecCheck)) {
    rule.on = rule.on.without({EventKind::kExecCheck}).with({EventKind::kExec});
  }
  // The same demands on the rule, on another kind of event.
  if (action == ResponseAction::kDeny) rule.response->action = ResponseAction::kKill;
  rule.suppress = Suppress{};
  return action;
}

Status select(const HuntOptions& options, const Wanted& wanted, RuleDocument& document) {
  if (options.rules.empty() && wanted.names.empty()) return {};
  std::vector<std::string> only;
  for (const std::string& name : wanted.names) {
    const auto rule = find_rule(name, document);
    if (!rule) return rule.error();
    only.push_back((*rule)->id);
  }
  for (const Rule& rule : document.rules) {
    const bool chosen =
        std::any_of(wanted.paths.begin(), wanted.paths.end(),
                    [&rule](const std::string& path) { return is_below(rule.file->path, path); });
    if (chosen) only.push_back(rule.id);
  }
  return select_rules(only, {}, document);
}

struct Hunted {
  std::shared_ptr<const RuleSet> set;
  std::vector<HuntTally::Wanted> rules;
};

Result<Hunted> load(const HuntOptions& options, const Call& call) {
  const Wanted wanted = wanted_of(call.arguments);
  std::vector<std::string> paths = wanted.paths;
  paths.insert(paths.end(), options.rules.begin(), options.rules.end());
  if (options.rules.empty() && !wanted.names.empty()) {
    auto present = present_rule_paths();
    if (!present) {
      present.error().message += "; give --rules PATH";
      return present.error();
    }
    paths.insert(paths.end(), present->begin(), present->end());
  }
  Diagnostics diagnostics;
  auto document = load_rule_document(paths, diagnostics);
  if (!document) return document.error();
  if (Status status = select(options, wanted, *document); !status) return std::move(status).error();
  std::map<std::string, ResponseAction> actions;
  for (Rule& rule : document->rules) {
    if (!rule.feeds_only) actions.emplace(rule.id, prepare(rule, options));
  }
  Hunted hunted{.set = RuleSet::compile(*document, diagnostics), .rules = {}};
  log::show(diagnostics);
  if (diagnostics.errors() != 0) {
    return Error{Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the rules"};
  }
  const auto add = [&](const std::shared_ptr<const Rule>& rule) {
    const auto action = actions.find(rule->id);
    if (action != actions.end()) hunted.rules.push_back({.rule = rule, .action = action->second});
  };
  for (const CompiledRule& rule : hunted.set->rules()) add(rule.rule);
  for (const CompiledCorrelation& rule : hunted.set->correlations()) add(rule.rule);
  for (const InactiveRule& inactive : hunted.set->inactive()) {
    log::note(rule_text(*inactive.rule) + " is inactive: " + inactive.reason);
  }
  return hunted;
}

Result<HuntTally::Options> read_safety(const HuntOptions& options) {
  Diagnostics diagnostics;
  const std::optional<std::string> path =
      options.config.empty() ? std::nullopt : std::optional(options.config);
  const auto config = load_config(path, diagnostics);
  log::show(diagnostics);
  if (!config) return config.error();
  if (diagnostics.errors() != 0) {
    return Error{Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the configuration"};
  }
  return HuntTally::Options{.protect = {.executables = config->texts("response.protect_executables"),
                                        .units = config->texts("response.protect_units")},
                            .budget = {.per_rule = *parse_rate(config->text("response.per_rule")),
                                       .total = *parse_rate(config->text("response.total"))}};
}

// How complete what was judged is.
struct Seen {
  uint64_t events = 0;
  uint64_t gaps = 0;
  uint64_t skipped = 0;

  bool complete() const { return gaps == 0 && skipped == 0; }
};

class Hunt {
 public:
  Hunt(const Hunted& hunted, HuntTally::Options options)
      : tally_(std::move(options), hunted.rules), engine_(hunted.set, {}), matcher_(*hunted.set) {}

  Status run(EventSource& source) {
    std::vector<Event> chunk, ready;
    while (!stop_requested()) {
      Result<bool> more = source.next(chunk);
      if (!more) return std::move(more).error();
      for (Event& event : chunk) engine_.observe(event, ready);
      if (!*more) engine_.flush(ready);
      for (const Event& event : ready) judge(event);
      if (!*more) return {};
      chunk.swap(ready);
      ready.clear();
    }
    return {};
  }

  const HuntTally& tally() const { return tally_; }
  const Seen& seen() const { return seen_; }

 private:
  void judge(const Event& event) {
    held_.clear();
    hits_.clear();
    if (!event.silent) ++seen_.events;
    if (event.kind == EventKind::kLost) ++seen_.gaps;
    engine_.match(event, matcher_, held_);
    engine_.conclude(event, held_, hits_);
    for (const Hit& hit : hits_) {
      if (hit.fold || !tally_.take(hit)) continue;
      engine_.visit_running([this](const Event& process) { tally_.show_running(process); });
    }
  }

  HuntTally tally_;
  Engine engine_;
  Matcher matcher_;
  Seen seen_;
  std::vector<uint32_t> held_;
  std::vector<Hit> hits_;
};

void show(const HuntOptions& options, const Hunt& hunt, const Seen& seen, Call& call) {
  const HuntView view{.terminal = inspect_terminal(STDOUT_FILENO, call.common.color), .rows = options.rows};
  for (const HuntedRule& rule : hunt.tally().rules()) {
    call.output.write(options.json ? hunt_json(rule) : hunt_text(rule, view) + "\n");
  }
  if (options.json) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "summary");
    json.member_number("events", static_cast<int64_t>(seen.events));
    json.member_number("gaps", static_cast<int64_t>(seen.gaps));
    json.member_number("skipped", static_cast<int64_t>(seen.skipped));
    json.member_boolean("complete", seen.complete());
    json.end_object();
    call.output.write(json.text() + "\n");
  } else if (!call.common.quiet) {
    call.output.write(plural(seen.events, "event") + "; " +
                      (seen.complete() ? "complete"
                                       : "incomplete: " + plural(seen.gaps, "gap") + ", " +
                                             plural(seen.skipped, "line") + " skipped") +
                      "\n");
  }
}

ExitStatus hunt(const HuntOptions& options, Call& call) {
  if (call.arguments.empty()) return fail_usage(call, "which rules? give their files, or their names");
  if (options.captures.empty()) return fail_usage(call, "on which events? give --on CAPTURE");
  if (!options.tz) {
    const bool on_terminal = inspect_terminal(STDOUT_FILENO, call.common.color).is_terminal;
    if (Status status = use_time_zone(on_terminal ? "local" : "UTC"); !status) return fail(status.error());
  }
  auto safety = read_safety(options);
  if (!safety) return fail(safety.error());
  const auto hunted = load(options, call);
  if (!hunted) return fail(hunted.error());
  Schema schema = hunted->set->schema();
  schema.want(process_field(Leaf::kUnit));
  WorkerPool workers(1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = options.captures, .skip_bad = options.skip_bad}, schema, workers,
                                   diagnostics);
  log::show(diagnostics);
  if (!source) {
    return diagnostics.errors() == 0 ? fail(source.error()) : exit_status_of(source.error());
  }
  Hunt hunting(*hunted, *std::move(safety));
  const Status status = hunting.run(**source);
  (*source)->close();
  Seen seen = hunting.seen();
  seen.skipped = (*source)->report().skipped;
  Diagnostics told = (*source)->report().diagnostics;
  log::show(told);
  if (!status) return told.errors() == 0 ? fail(status.error()) : ExitStatus::kInput;
  show(options, hunting, seen, call);
  if (stop_requested()) return ExitStatus::kInterrupted;
  return seen.complete() || options.allow_incomplete ? ExitStatus::kDone : ExitStatus::kIncomplete;
}

}  // namespace

constexpr Command kHuntCommand = {
    .name = "hunt",
    .arguments = "RULE...",
    .summary = "what rules would have hit, and ended, in captures",
    .manual =
        "Tell what rules would have hit in recorded days, and which processes they would have ended: by day, "
        "user,\n"
        "program, parent and command line, before they are armed.\n"
        "A\n"
        ".Ar RULE\n"
        "is a file or a directory with rules, or a rule's id or name.\n"
        ".Pp\n"
        "Every hit counts, also those that\n"
        ".Sq suppress\n"
        "would fold.\n"
        "What is protected and the budget of responses refuse what they would refuse live; the rules that "
        "are "
        "hunted\n"
        "with share one budget.\n"
        "A process that was ended has no later hits, nor has what it would have started: they are told as "
        "gone.\n"
        "A rule for\n"
        ".Cm exec_check\n"
        "is judged by the execs that happened.\n"
        "The budget of\n"
        ".Cm deny\n"
        "counts programs: refusing one again costs nothing.\n"
        "Nothing is ever done to a process.\n"
        ".Pp\n"
        "The exit status is 6 if events were lost or lines skipped.\n",
    .options = kTable,
    .run = run_command<HuntOptions, hunt>,
};

}  // namespace detectd
