#include "src/detectd/watch.h"

#include <signal.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <utility>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/detectd/builtin_rules.h"
#include "src/detectd/capture.h"
#include "src/detectd/load_rules.h"
#include "src/detectd/run_report.h"
#include "src/detectd/run_store.h"
#include "src/detectd/watch_state.h"
#include "src/enrich/procfs.h"
#include "src/host_identity.h"
#include "src/live/collector.h"
#include "src/live/host_view.h"
#include "src/live/procfs_source.h"
#include "src/log.h"
#include "src/notify.h"
#include "src/pipeline.h"
#include "src/requests.h"
#include "src/rule_owners.h"
#include "src/run_lock.h"
#include "src/sources/proc_connector.h"
#include "src/stop.h"
#include "src/text.h"
#include "src/time_option.h"

namespace detectd {
namespace {

constexpr int64_t kBeatNs = 5 * kNanosPerSecond;
constexpr int64_t kTendNs = 2 * kNanosPerSecond;
constexpr int64_t kSaveHistoryNs = 60 * kNanosPerSecond;

ExitStatus fail(const Error& error) {
  log::error(error.message);
  return exit_status_of(error);
}

ExitStatus unseen(const Error& error) {
  return fail({error.code, error.message + "; --source procfs polls /proc instead, and sees less"});
}

// Everything that a run has, in the order in which it is made; each part may refer to those before it.
class Watch {
 public:
  Watch(const Options& options, const Config& config, Output& output)
      : options_(options), config_(config), output_(output) {}

  ExitStatus run();

 private:
  std::optional<ExitStatus> prepare();
  std::optional<ExitStatus> load();
  std::optional<ExitStatus> open_lock();
  std::optional<ExitStatus> open_procfs();
  std::optional<ExitStatus> open_source();
  std::optional<ExitStatus> open_collector();
  void open_polling();
  Enricher::Options enricher_options() const;
  bool polls() const { return config_.text("source.kind") == "procfs"; }
  EventSource& source();
  std::optional<ExitStatus> open_outputs();
  ExitStatus finish(Ending ending);

  // Between two chunks.
  void on_turn();
  void beat();
  void reload();
  Result<LoadedRules> read_rules(const Config& config, Diagnostics& diagnostics) const;
  bool wants_connections() const;
  void show_state() const;
  std::string status_line() const;

  const Options& options_;
  Config config_;
  Output& output_;
  HitSelection selection_;
  int64_t start_ns_ = steady_clock_ns();
  int64_t beat_ns_ = 0;
  int64_t alive_ns_ = 0;
  int64_t tended_ns_ = 0;
  int64_t history_saved_ns_ = steady_clock_ns();
  uint64_t generation_ = 1;  // of the rules

  LoadedRules rules_;
  std::shared_ptr<const CaptureHost> host_;
  std::optional<RunLock> lock_;
  OwnProcfs procfs_;
  WorkerPool workers_{1};
  std::optional<Engine> engine_;
  std::optional<RunStore> store_;
  std::unique_ptr<CaptureWriter> capture_;
  std::unique_ptr<Report> report_;
  // One of them.
  std::optional<Collector> collector_;
  std::optional<ProcfsSource> polling_;
  std::optional<Pipeline> pipeline_;
};

ExitStatus Watch::run() {
  if (const std::optional<ExitStatus> failed = prepare()) return *failed;
  beat();
  log::note(status_line());
  if (collector_) log::info("receive thread: " + std::string(to_string(collector_->receiver().scheduling())));
  notify::ready(status_line());
  return finish(pipeline_->run());
}

std::optional<ExitStatus> Watch::prepare() {
  if (!read_time("--from", options_.from, selection_.from_ns)) return ExitStatus::kUsage;
  if (!read_time("--to", options_.to, selection_.to_ns)) return ExitStatus::kUsage;
  if (options_.level) selection_.min_level = *options_.level;
  if (geteuid() != 0 && !polls()) {
    return fail({Errc::kPermission,
                 "watching a host needs root; --source procfs polls /proc as any user, and sees less; " +
                     std::string("--replay FILE needs nothing")});
  }
  if (auto failed = load()) return failed;
  host_ = std::make_shared<const CaptureHost>(read_host_identity());
  if (auto failed = open_procfs()) return failed;
  if (auto failed = open_lock()) return failed;
  if (auto failed = open_outputs()) return failed;
  if (auto failed = open_source()) return failed;
  pipeline_.emplace(*engine_,
                    Pipeline::Edges{.source = source(),
                                    .report = *report_,
                                    .output = output_,
                                    .workers = workers_,
                                    .store = store_->get(),
                                    .capture = capture_.get()},
                    Pipeline::Options{.limit = options_.limit,
                                      .profile = options_.profile,
                                      .source_ends_on_stop = true,
                                      .on_turn = [this] { on_turn(); }});
  if (options_.timeout_ns != 0) stop_after(options_.timeout_ns);
  return std::nullopt;
}

Result<LoadedRules> Watch::read_rules(const Config& config, Diagnostics& diagnostics) const {
  RuleOwners owners(geteuid(), diagnostics);
  return load_rules_to_run(options_, config, diagnostics, {.owners = &owners, .built_in = builtin_rules()});
}

std::optional<ExitStatus> Watch::load() {
  Diagnostics diagnostics;
  Result<LoadedRules> rules = read_rules(config_, diagnostics);
  if (!rules) return exit_status_of(rules.error());
  rules_ = *std::move(rules);
  engine_.emplace(rules_.set,
                  Engine::Options{.max_processes = config_.count("engine.max_processes"),
                                  .selection = selection_,
                                  .correlator = {.memory_bytes = config_.bytes("engine.correlation_memory")},
                                  .number_events = true});
  return std::nullopt;
}

// Who looks on without keeping anything disturbs no daemon, nor does who is not root: the database has its own lock.
std::optional<ExitStatus> Watch::open_lock() {
  if (options_.no_db || geteuid() != 0) return std::nullopt;
  Result<RunLock> lock = RunLock::take(kRunLockPath, host_->boot_id);
  if (!lock) return fail(lock.error());
  lock_.emplace(*std::move(lock));
  return std::nullopt;
}

std::optional<ExitStatus> Watch::open_outputs() {
  auto capture = open_capture({.options = options_, .host = host_}, *engine_);
  if (!capture) return exit_status_of(capture.error());
  capture_ = *std::move(capture);
  const auto no_file = [](uint32_t) -> const std::string& {
    static const std::string kNone;
    return kNone;
  };
  const std::optional<std::string> path =
      options_.no_db ? std::nullopt : std::optional(options_.db.value_or(config_.text("store.path")));
  store_.emplace(RunStore::Options{.path = path,
                                   .spill = options_.db ? std::string() : config_.text("store.spill"),
                                   .command = options_.words,
                                   .redact = config_.texts("store.redact"),
                                   .before_message = {},
                                   .name_of_file = no_file,
                                   .workers = &workers_,
                                   .owner = UpkeepOptions{.max_bytes = config_.bytes("store.max_size"),
                                                          .keep_ns = config_.duration_ns("store.keep"),
                                                          .watch_disk = true}});
  if (Status status = store_->open(*rules_.set); !status) return exit_status_of(status.error());
  store_->load_history(*engine_);
  report_ = make_report(options_, *rules_.set, output_, no_file);
  return std::nullopt;
}

// Before anything is made that stays: where the host cannot be seen, nothing is left behind.
std::optional<ExitStatus> Watch::open_procfs() {
  Result<OwnProcfs> procfs = open_own_procfs();
  if (!procfs) return fail(procfs.error());
  procfs_ = *std::move(procfs);
  // An ordinary user never gets one.
  if (!procfs_.is_private && geteuid() == 0) {
    log::warning("no procfs of our own (" + procfs_.why_not_private +
                 "): who mounts something over /proc/PID can hide a process");
  }
  if (polls()) return std::nullopt;
  if (Status status = check_host_view(procfs_.root.number()); !status) return unseen(status.error());
  return std::nullopt;
}

std::optional<ExitStatus> Watch::open_source() {
  if (!polls()) return open_collector();
  open_polling();
  return std::nullopt;
}

// Never chosen by itself: who asked to see everything must know when that can not be.
void Watch::open_polling() {
  polling_.emplace(host_, ProcfsSource::Options{.procfs = procfs_.root.number(),
                                                .max_argv_bytes = config_.bytes("enrich.max_argv"),
                                                .enricher = enricher_options()});
  std::string text = "polling /proc every " + std::to_string(ProcfsSource::kPeriodNs / 1'000'000) +
                     " ms: processes that begin and end between two looks are not seen, and no exit codes, "
                     "sessions, traces, core dumps, renamed threads or connections at all";
  if (geteuid() != 0) text += "; of processes of other users no executable, working directory or streams";
  log::note(text);
}

EventSource& Watch::source() {
  if (polling_) return *polling_;
  return *collector_;
}

Enricher::Options Watch::enricher_options() const {
  return {.hash = config_.is_set("enrich.hash"), .env = config_.texts("enrich.env")};
}

std::optional<ExitStatus> Watch::open_collector() {
  KindSet kinds;
  for (const std::string& name : config_.texts("source.events")) kinds.add(*find_event_kind(name));
  auto socket = ProcConnector::open(
      {.receive_buffer_bytes = config_.bytes("source.receive_buffer"), .mask = proc_event_mask(kinds)});
  if (!socket) return unseen(socket.error());
  Collector::Options options{.procfs = procfs_.root.number(),
                             .max_argv_bytes = config_.bytes("enrich.max_argv"),
                             .heartbeat_ns = config_.duration_ns("source.heartbeat"),
                             .enricher = enricher_options(),
                             .receiver = {},
                             .connections = wants_connections()};
  if (lock_ && lock_->killed()) options.unwatched_since_boot_ns = lock_->killed()->alive_boot_ns;
  collector_.emplace(*std::move(socket), host_, options);
  Status status = collector_->start();
  if (!status) return unseen(status.error());
  return std::nullopt;
}

// For the daemon after this one.
void Watch::beat() {
  beat_ns_ = steady_clock_ns();
  if (lock_) lock_->beat(read_clocks().boot_ns);
}

// Looking for them costs something, so it is done only for somebody.
bool Watch::wants_connections() const {
  const auto has_rules = [this](EventKind kind) { return !rules_.set->for_kind(kind).rules.empty(); };
  return options_.capture.has_value() || has_rules(EventKind::kConnectionAttempted) ||
         has_rules(EventKind::kConnectionAccepted);
}

void Watch::on_turn() {
  const int64_t now_ns = steady_clock_ns();
  if (now_ns - beat_ns_ >= kBeatNs) beat();
  if (store_->get() != nullptr && now_ns - tended_ns_ >= kTendNs) {
    tended_ns_ = now_ns;
    store_->get()->tend();
  }
  if (now_ns - history_saved_ns_ >= kSaveHistoryNs) {
    history_saved_ns_ = now_ns;
    store_->save_history(*engine_);
  }
  // Only who gets on is alive: the loop turns, and the kernel was heard.
  if (now_ns - alive_ns_ >= kNanosPerSecond && !(collector_ && collector_->heartbeat().blind())) {
    alive_ns_ = now_ns;
    notify::alive();
  }
  if (take_reload_request()) reload();
  if (take_state_request()) show_state();
}

// All or nothing: with a mistake anywhere, what runs goes on.
void Watch::reload() {
  notify::reloading();
  Diagnostics diagnostics;
  Result<Config> config = load_config(options_.config, diagnostics);
  if (!config) {
    log::error(config.error().message + "; nothing was changed");
  } else if (diagnostics.errors() != 0) {
    log::show(diagnostics);
    log::error(plural(diagnostics.errors(), "mistake") + " in the configuration: nothing was changed");
  } else {
    if (!options_.rules.empty()) config->set_rule_paths(options_.rules, "--rules");
    if (options_.source) config->set_text("source.kind", *options_.source, "--source");
    Diagnostics of_rules;
    Result<LoadedRules> rules = read_rules(*config, of_rules);
    if (rules) {
      rules_ = *std::move(rules);
      config_ = *std::move(config);
      pipeline_->reload(rules_.set);
      if (store_->get() != nullptr) store_->get()->learn_rules(*rules_.set);
      if (collector_) collector_->watch_connections(wants_connections());
      ++generation_;
      log::note("loaded again: " + plural(rules_.set->rules().size(), "rule") + ", generation " +
                std::to_string(generation_));
    } else {
      log::error("the rules that were loaded before go on");
    }
  }
  notify::ready(status_line());
}

std::string Watch::status_line() const {
  return "watching with " + plural(rules_.set->rules().size(), "rule") + "; " +
         plural(pipeline_->summary().hits, "hit");
}

void Watch::show_state() const {
  const WatchState state = polling_ ? collect_state(*polling_, *engine_, pipeline_->summary())
                                    : collect_state(*collector_, *engine_, pipeline_->summary());
  log::table(state_text(state), {state_members(state)});
}

ExitStatus Watch::finish(Ending ending) {
  notify::stopping();
  if (collector_) collector_->stop();
  Summary summary = pipeline_->summary();
  summary.elapsed_ns = shown_elapsed_ns(start_ns_);
  store_->save_history(*engine_);
  const bool all_stored = store_->close(summary, to_string(ending));
  report_->show_summary(summary);
  output_.flush();
  std::vector<ExitStatus> statuses;
  // Who is told to stop, and does, has done what was asked.
  if (ending != Ending::kStopped || stop_signal() != SIGTERM) {
    statuses = tell_ending(options_, ending, pipeline_->error());
  }
  if (!all_stored) statuses.push_back(ExitStatus::kSystem);
  if (capture_) statuses.push_back(close_capture(*capture_));
  tell_notes(options_, summary, engine_->counters(), "what was seen");
  if (options_.stats) {
    show_state();
    tell_statistics(pipeline_->statistics(), summary, source().report(), engine_->counters());
  }
  if (options_.profile) tell_profile(pipeline_->statistics(), *rules_.set);
  if (options_.fail_on_hit && summary.hits != 0) statuses.push_back(ExitStatus::kNo);
  if (!options_.allow_incomplete && !incompleteness(summary).empty()) {
    statuses.push_back(ExitStatus::kIncomplete);
  }
  return first_of(statuses);
}

}  // namespace

ExitStatus watch(const Options& options, const Config& config, Output& output) {
  catch_request_signals();
  return Watch(options, config, output).run();
}

}  // namespace detectd
