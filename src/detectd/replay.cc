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
#include "src/detectd/load_rules.h"
#include "src/detectd/run_report.h"
#include "src/detectd/run_store.h"
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
                                    .chunk_events = kChunkEventsPerThread * workers.size()},
                                   schema, workers, diagnostics);
  if (stop_requested()) return source;  // what failed then is the waiting for a pipe's other end
  log::show(diagnostics);
  // A diagnostic is an input error; any other reason is told besides.
  if (!source && (diagnostics.errors() == 0 || source.error().code != Errc::kInput)) {
    log::error(source.error().message);
  }
  return source;
}

std::unique_ptr<ProgressBar> make_progress(const Options& options) {
  const Terminal terminal = inspect_terminal(STDERR_FILENO, options.color);
  if (!terminal.is_terminal || options.quiet || options.log_format == LogFormat::kJson) return {};
  return std::make_unique<ProgressBar>(STDERR_FILENO, terminal.columns, steady_clock_ns());
}

// Warnings of the captures, and the mistake that ended the run.
void tell_source(const ReplaySource& source, const std::optional<Error>& error, Ending ending) {
  Diagnostics diagnostics = source.report().diagnostics;
  log::show(diagnostics);
  if (ending == Ending::kInputFailed && diagnostics.errors() == 0) log::error(error->message);
}

}  // namespace

ExitStatus check_rules(const Options& options, const Config& config, Output& output) {
  Diagnostics diagnostics;
  // What a daemon of root would refuse. Files that are named on the command line may be anybody's.
  RuleOwners owners(geteuid(), diagnostics);
  const bool as_daemon = geteuid() == 0 && config.find("rules.paths").origin != "--rules";
  const Result<LoadedRules> rules =
      load_rules(options, config, diagnostics, {.owners = as_daemon ? &owners : nullptr, .built_in = {}});
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
  Diagnostics diagnostics;
  const auto loaded = load_rules_to_run(options, config, diagnostics);
  if (!loaded) return exit_status_of(loaded.error());
  const std::shared_ptr<const RuleSet>& rules = loaded->set;
  const size_t threads = thread_count(options);
  const bool ahead = threads > 1 && may_read_ahead(options);
  // One thread judges and, where it may, one reads ahead; all of them decode and match.
  WorkerPool workers(threads, ahead ? 2 : 1);
  if (options.timeout_ns != 0) stop_after(options.timeout_ns);
  auto source = open_source(options, rules->schema(), workers);
  if (!source && stop_requested()) return first_of(tell_ending(options, Ending::kStopped, {}));
  if (!source) return exit_status_of(source.error());
  const auto progress = make_progress(options);
  const auto name_of_file = [&source](uint32_t file) -> const std::string& { return (*source)->path(file); };
  Engine engine(rules, {.max_processes = config.count("engine.max_processes"),
                        .selection = selection,
                        .correlator = {.memory_bytes = config.bytes("engine.correlation_memory")}});
  const auto hide_progress = [&progress] {
    if (progress) progress->hide();
  };
  auto capture = open_capture({.options = options, .before_message = hide_progress}, engine);
  if (!capture) return exit_status_of(capture.error());
  RunStore store({.path = options.db,
                  .spill = {},
                  .command = options.words,
                  .redact = config.texts("store.redact"),
                  .before_message = hide_progress,
                  .name_of_file = name_of_file,
                  .workers = &workers});
  if (Status status = store.open(*rules); !status) return exit_status_of(status.error());
  const auto report = make_report(options, *rules, output, name_of_file);
  std::optional<Prefetch> prefetch;
  if (ahead) prefetch.emplace(**source, workers);
  Pipeline pipeline(engine,
                    {.source = prefetch ? static_cast<EventSource&>(*prefetch) : **source,
                     .report = *report,
                     .output = output,
                     .workers = workers,
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
  tell_notes(options, summary, engine.counters(), "the capture");
  if (options.stats) {
    tell_statistics(pipeline.statistics(), summary, (*source)->report(), engine.counters());
  }
  if (options.profile) tell_profile(pipeline.statistics(), *rules);
  if (options.fail_on_hit && summary.hits != 0) statuses.push_back(ExitStatus::kNo);
  if (!options.allow_incomplete && !incompleteness(summary).empty()) {
    statuses.push_back(ExitStatus::kIncomplete);
  }
  return first_of(statuses);
}

}  // namespace detectd
