#include "src/detectd/replay.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <thread>

#include "engine/engine.h"
#include "engine/escape.h"
#include "engine/rule_lint.h"
#include "src/clock.h"
#include "src/detectd/capture.h"
#include "src/detectd/replay_store.h"
#include "src/log.h"
#include "src/pipeline.h"
#include "src/report/hit_view.h"
#include "src/report/json_report.h"
#include "src/report/run_tables.h"
#include "src/report/table_report.h"
#include "src/report/time_zone.h"
#include "src/rule_document.h"
#include "src/rule_selection.h"
#include "src/sources/prefetch.h"
#include "src/sources/replay.h"
#include "src/stop.h"
#include "src/store_messages.h"
#include "src/text.h"
#include "src/time_option.h"

namespace detectd {
namespace {

constexpr size_t kProfiledRows = 50;

struct LoadedRules {
  size_t checked = 0;
  RuleDocument document;  // of those that were selected
  std::shared_ptr<const RuleSet> set;
};

// The built-in paths need not all be there; those that somebody wrote must.
Result<std::vector<std::string>> rule_paths(const Config& config) {
  if (config.find("rules.paths").origin != "default") return config.rule_paths;
  auto present = present_rule_paths();
  if (!present) present.error().message += "; give --rules PATH";
  return present;
}

// All mistakes of all files are in `diagnostics`; an Error is the system's, or one of --only and --skip.
Result<LoadedRules> load_rules(const Options& options, const Config& config, Diagnostics& diagnostics,
                               RuleOwners* owners = nullptr) {
  const auto paths = rule_paths(config);
  if (!paths) return paths.error();
  auto document = load_rule_document(*paths, diagnostics, owners);
  if (!document) return document.error();
  const size_t checked = document->rules_written;
  if (diagnostics.errors() == 0) {
    if (Status status = select_rules(options.only, options.skip, *document); !status) {
      return std::move(status).error();
    }
  }
  auto set = RuleSet::compile(*document, diagnostics);
  return LoadedRules{checked, *std::move(document), std::move(set)};
}

Result<std::shared_ptr<const RuleSet>> load_rules_to_run(const Options& options, const Config& config) {
  Diagnostics diagnostics;
  Result<LoadedRules> rules = load_rules(options, config, diagnostics);
  log::show(diagnostics);
  if (!rules) {
    log::error(rules.error().message);
    return std::move(rules).error();
  }
  if (diagnostics.errors() != 0) {
    log::error(plural(diagnostics.errors(), "mistake") + " in the rules: nothing was run");
    return Error{Errc::kRules, {}};
  }
  if (rules->set->rules().empty()) {
    log::error("there is no rule to run");
    return Error{Errc::kRules, {}};
  }
  log::info(plural(rules->set->rules().size(), "rule") + " to run, " +
            with_separators(rules->set->inactive().size()) + " inactive");
  return rules->set;
}

// Of a chunk for each thread that decodes or matches: few enough to stay in its cache.
constexpr size_t kChunkEvents = 256;

size_t thread_count(const Options& options) {
  if (options.threads != 0) return options.threads;
  return std::clamp(std::thread::hardware_concurrency(), 1u, 256u);
}

// Not of a pipe, which may wait for ever. Nor where a number of hits ends the run: what is told of the lines that
// were read would depend on how far ahead the reading was.
bool may_read_ahead(const Options& options) {
  return options.limit == 0 &&
         std::all_of(options.captures.begin(), options.captures.end(), [](const std::string& path) {
           std::error_code ignored;
           return path != "-" && std::filesystem::is_regular_file(path, ignored);
         });
}

Result<std::unique_ptr<ReplaySource>> open_source(const Options& options, const Schema& schema,
                                                  WorkerPool& workers) {
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = options.captures,
                                    .skip_bad = options.skip_bad,
                                    .chunk_events = kChunkEvents * workers.size()},
                                   schema, workers, diagnostics);
  if (stop_requested()) return source;  // what failed then is the waiting for a pipe's other end
  log::show(diagnostics);
  // A diagnostic is an input error; any other reason is told besides.
  if (!source && (diagnostics.errors() == 0 || source.error().code != Errc::kInput)) {
    log::error(source.error().message);
  }
  return source;
}

std::unique_ptr<Report> make_report(const Options& options, const RuleSet& rules, const ReplaySource& source,
                                    Output& output) {
  if (options.output == OutputFormat::kJson) {
    return std::make_unique<JsonReport>(
        output, [&source](uint32_t file) -> const std::string& { return source.path(file); });
  }
  TableReport::Options table{.terminal = inspect_terminal(STDOUT_FILENO, options.color),
                             .hits = options.output == OutputFormat::kTable,
                             .summary = !options.quiet};
  std::vector<const Rule*> active;
  for (const CompiledRule& rule : rules.rules()) {
    if (!rule.silent) active.push_back(rule.rule.get());
  }
  for (const CompiledCorrelation& rule : rules.correlations()) active.push_back(rule.rule.get());
  TableReport::fit_columns(active, table);
  return std::make_unique<TableReport>(output, table);
}

std::unique_ptr<ProgressBar> make_progress(const Options& options) {
  const Terminal terminal = inspect_terminal(STDERR_FILENO, options.color);
  if (!terminal.is_terminal || options.quiet || options.log_format == LogFormat::kJson) return {};
  return std::make_unique<ProgressBar>(STDERR_FILENO, terminal.columns, steady_clock_ns());
}

std::string incompleteness(const Summary& summary) {
  std::string text;
  if (summary.gaps != 0) text = plural(summary.gaps, "gap");
  if (summary.skipped != 0) {
    text += (text.empty() ? "" : ", ") + plural(summary.skipped, "line") + " skipped";
  }
  return text;
}

void tell_notes(const Options& options, const Summary& summary, const Engine::Counters& counters) {
  if (summary.hits_left_out != 0) {
    log::note(plural(summary.hits_left_out, "hit") + " left out by --level, --from or --to");
  }
  if (summary.inactive_rules != 0) {
    log::note(plural(summary.inactive_rules, "rule") + (summary.inactive_rules == 1 ? " is" : " are") +
              " inactive; detectd --check --verbose says why");
  }
  if (counters.processes.evicted_live != 0) {
    log::note("the process table was full and forgot " + with_separators(counters.processes.evicted_live) +
              (counters.processes.evicted_live == 1 ? " running process" : " running processes") +
              ": their lineage is lost; raise engine.max_processes");
  }
  if (counters.id_changes_hurried != 0) {
    log::note(plural(counters.id_changes_hurried, "id change") +
              " did not wait for the exec they may belong to, for too many others waited");
  }
  if (!summary.hits_digest) {
    log::note("the hits are more than " + with_separators(HitsDigest::kMaxHits) + ": they have no digest");
  }
  if (summary.evicted_groups != 0) {
    log::note("correlations were short of memory and forgot " + plural(summary.evicted_groups, "group") +
              ": hits may be missing; raise engine.correlation_memory");
  }
  const std::string missing = incompleteness(summary);
  if (!missing.empty()) {
    log::note("the capture is incomplete: " + missing +
              (options.allow_incomplete ? "" : "; --allow-incomplete accepts that"));
  }
}

// Warnings of the captures, and the mistake that ended the run.
void tell_source(const ReplaySource& source, const std::optional<Error>& error, Ending ending) {
  Diagnostics diagnostics = source.report().diagnostics;
  log::show(diagnostics);
  if (ending == Ending::kInputFailed && diagnostics.errors() == 0) log::error(error->message);
}

std::vector<ExitStatus> tell_ending(const Options& options, Ending ending,
                                    const std::optional<Error>& error) {
  switch (ending) {
    case Ending::kEndOfStream: return {};
    case Ending::kInputFailed: return {error ? exit_status_of(*error) : ExitStatus::kInput};
    case Ending::kStoreFailed: tell_store_error(*error); return {ExitStatus::kSystem};
    case Ending::kOutputFailed: return {ExitStatus::kSystem};
    case Ending::kLimit:
      log::note("stopped by --limit after " + plural(options.limit, "hit"));
      return {ExitStatus::kCutShort};
    case Ending::kStopped: break;
  }
  if (stop_signal() == 0) {
    log::note("stopped by --timeout");
    return {ExitStatus::kCutShort};
  }
  log::note("stopped by a signal");
  return {stop_signal() == SIGINT ? ExitStatus::kInterrupted : ExitStatus::kTerminated};
}

void tell_statistics(const RunStatistics& run, const Summary& summary, const SourceReport& read,
                     const Engine::Counters& counters) {
  StatisticsView view;
  for (size_t i = 0; i < kEventKindCount; ++i) {
    view.events_by_kind.emplace_back(to_string(static_cast<EventKind>(i)), run.events_by_kind[i]);
  }
  view.nanoseconds_by_stage = {{"read and decode", run.read_ns},
                               {"lineage", run.observe_ns},
                               {"match", run.match_ns},
                               {"hits", run.conclude_ns}};
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  if (summary.elapsed_ns != 0) {
    const double seconds = static_cast<double>(summary.elapsed_ns) / 1e9;
    view.events_per_second = static_cast<uint64_t>(static_cast<double>(summary.events) / seconds);
  }
  const ProcessTable::Counters& processes = counters.processes;
  view.counts = {{"bytes read", read.bytes_read},
                 {"items evaluated", run.terms_evaluated},
                 {"processes seen", processes.created},
                 {"processes kept", processes.processes},
                 {"ended processes dropped", processes.evicted_ended},
                 {"running processes dropped", processes.evicted_live},
                 {"pids reused", processes.reused_pids},
                 {"id changes hurried", counters.id_changes_hurried},
                 {"correlation groups", counters.correlator.groups},
                 {"groups dropped", counters.correlator.evicted_groups},
                 {"window events dropped", counters.correlator.evicted_events},
                 {"group memory in KiB", counters.correlator.peak_bytes >> 10},
                 {"repeats folded", counters.suppressor.folded},
                 {"windows closed early", counters.suppressor.closed_early},
                 {"peak memory in MiB", static_cast<uint64_t>(usage.ru_maxrss) / 1024}};
  view.rules_digest = hex(summary.rules_digest);
  if (summary.hits_digest) view.hits_digest = hex(*summary.hits_digest);
  log::table(statistics_table(view), {statistics_members(view)});
}

void tell_profile(const RunStatistics& run, const RuleSet& rules) {
  std::vector<ProfiledRule> profiled;
  for (size_t i = 0; i < rules.rules().size(); ++i) {
    const CompiledRule& rule = rules.rules()[i];
    ProfiledRule& row = profiled.emplace_back();
    row.name = rule_text(*rule.rule);
    row.hits = run.hits_by_rule[i];
    row.sampled_ns = run.ns_by_rule[i];
    for (size_t kind = 0; kind < kEventKindCount; ++kind) {
      if (rule.kinds.has(static_cast<EventKind>(kind))) row.events += run.events_by_kind[kind];
    }
  }
  std::vector<std::string> objects;
  for (const ProfiledRule& rule : profiled) objects.push_back(profile_members(rule));
  log::table(profile_table(std::move(profiled), kProfiledRows), objects);
}

}  // namespace

ExitStatus check_rules(const Options& options, const Config& config, Output& output) {
  Diagnostics diagnostics;
  // What a daemon of root would refuse. Files that are named on the command line may be anybody's.
  RuleOwners owners(geteuid(), diagnostics);
  const bool as_daemon = geteuid() == 0 && config.find("rules.paths").origin != "--rules";
  const Result<LoadedRules> rules = load_rules(options, config, diagnostics, as_daemon ? &owners : nullptr);
  if (rules) lint_rules(rules->document, *rules->set, diagnostics);
  log::show(diagnostics);
  if (!rules) {
    log::error(rules.error().message);
    return exit_status_of(rules.error());
  }
  for (const InactiveRule& inactive : rules->set->inactive()) {
    log::info("inactive: " + rule_text(*inactive.rule) + ": " + inactive.reason);
  }
  if (!options.quiet) {
    output.write(checked_text(rules->checked, diagnostics, *rules->set) + "\n");
  }
  return diagnostics.errors() == 0 ? ExitStatus::kDone : ExitStatus::kRules;
}

ExitStatus replay(const Options& options, const Config& config, Output& output) {
  Pipeline::Options chosen{.limit = options.limit, .speed = options.speed, .profile = options.profile};
  HitSelection selection;
  if (options.level) selection.min_level = *options.level;
  if (!read_time("--from", options.from, selection.from_ns)) return ExitStatus::kUsage;
  if (!read_time("--to", options.to, selection.to_ns)) return ExitStatus::kUsage;

  const int64_t start_ns = steady_clock_ns();
  const auto rules = load_rules_to_run(options, config);
  if (!rules) return exit_status_of(rules.error());
  // Half of the threads read ahead of those that match; else both steps have all of them.
  const size_t threads = thread_count(options);
  const bool ahead = threads > 1 && may_read_ahead(options);
  WorkerPool decoders(ahead ? threads / 2 : threads);
  WorkerPool matchers(ahead ? threads - threads / 2 : threads);
  if (options.timeout_ns != 0) stop_after(options.timeout_ns);
  auto source = open_source(options, (*rules)->schema(), decoders);
  if (!source && stop_requested()) return first_of(tell_ending(options, Ending::kStopped, {}));
  if (!source) return exit_status_of(source.error());
  const auto progress = make_progress(options);
  Engine engine(*rules, {.max_processes = config.max_processes,
                         .selection = selection,
                         .correlator = {.memory_bytes = config.correlation_memory_bytes}});
  const auto hide_progress = [&progress] {
    if (progress) progress->hide();
  };
  auto capture = open_capture({.options = options, .before_message = hide_progress}, engine);
  if (!capture) return exit_status_of(capture.error());
  ReplayStore store({.path = options.db,
                     .command = options.words,
                     .redact = config.redact,
                     .progress = progress.get(),
                     .workers = &matchers});
  if (Status status = store.open(**rules, **source); !status) return exit_status_of(status.error());
  const auto report = make_report(options, **rules, **source, output);
  std::optional<Prefetch> prefetch;
  if (ahead) prefetch.emplace(**source);
  Pipeline pipeline(engine,
                    {.source = prefetch ? static_cast<EventSource&>(*prefetch) : **source,
                     .report = *report,
                     .output = output,
                     .workers = matchers,
                     .store = store.get(),
                     .capture = capture->get(),
                     .progress = progress.get()},
                    chosen);
  const Ending ending = pipeline.run();
  if (prefetch) prefetch->close();
  (*source)->close();

  Summary summary = pipeline.summary();
  summary.elapsed_ns = shown_elapsed_ns(start_ns);
  const bool all_stored = store.close(summary, to_string(ending));
  report->show_summary(summary);
  output.flush();
  // A reader of standard output that is gone has heard enough.
  if (!output.closed()) tell_source(**source, pipeline.error(), ending);
  std::vector<ExitStatus> statuses = tell_ending(options, ending, pipeline.error());
  if (!all_stored) statuses.push_back(ExitStatus::kSystem);
  if (*capture) statuses.push_back(close_capture(**capture));
  tell_notes(options, summary, engine.counters());
  if (options.stats) {
    tell_statistics(pipeline.statistics(), summary, (*source)->report(), engine.counters());
  }
  if (options.profile) tell_profile(pipeline.statistics(), **rules);
  if (options.fail_on_hit && summary.hits != 0) statuses.push_back(ExitStatus::kNo);
  if (!options.allow_incomplete && !incompleteness(summary).empty()) {
    statuses.push_back(ExitStatus::kIncomplete);
  }
  return first_of(statuses);
}

}  // namespace detectd
