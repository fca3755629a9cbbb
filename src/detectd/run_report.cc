#include "src/detectd/run_report.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/report/json_report.h"
#include "src/report/run_tables.h"
#include "src/report/table_report.h"
#include "src/stop.h"
#include "src/store_messages.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kProfiledRows = 50;

}  // namespace

std::unique_ptr<Report> make_report(const Options& options, const RuleSet& rules, Output& output,
                                    std::function<const std::string&(uint32_t file)> name_of_file) {
  if (options.output == OutputFormat::kJson) {
    return std::make_unique<JsonReport>(output, std::move(name_of_file));
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

std::string incompleteness(const Summary& summary) {
  std::string text;
  if (summary.gaps != 0) text = plural(summary.gaps, "gap");
  if (summary.skipped != 0) {
    text += (text.empty() ? "" : ", ") + plural(summary.skipped, "line") + " skipped";
  }
  return text;
}

void tell_notes(const Options& options, const Summary& summary, const Engine::Counters& counters,
                std::string_view what) {
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
    log::note(std::string(what) + " is incomplete: " + missing +
              (options.allow_incomplete ? "" : "; --allow-incomplete accepts that"));
  }
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

}  // namespace detectd
