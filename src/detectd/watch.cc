#include "src/detectd/watch.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/detectd/alert_check.h"
#include "src/detectd/alerts.h"
#include "src/detectd/builtin_rules.h"
#include "src/detectd/capture.h"
#include "src/detectd/conditions.h"
#include "src/detectd/exec_denial.h"
#include "src/detectd/host_source.h"
#include "src/detectd/load_rules.h"
#include "src/detectd/operation.h"
#include "src/detectd/responses.h"
#include "src/detectd/run_report.h"
#include "src/detectd/run_store.h"
#include "src/detectd/watch_state.h"
#include "src/enrich/procfs.h"
#include "src/host_identity.h"
#include "src/live/health.h"
#include "src/live/host_view.h"
#include "src/log.h"
#include "src/notify.h"
#include "src/pipeline.h"
#include "src/report/hit_view.h"
#include "src/requests.h"
#include "src/rule_owners.h"
#include "src/run_lock.h"
#include "src/stop.h"
#include "src/text.h"
#include "src/time_option.h"

namespace detectd {
namespace {

constexpr int64_t kBeatNs = 5 * kNanosPerSecond;
constexpr int64_t kTendNs = 2 * kNanosPerSecond;
constexpr int64_t kSaveHistoryNs = 60 * kNanosPerSecond;
constexpr int64_t kLookAtHealthNs = kNanosPerSecond;

ExitStatus fail(const Error& error) {
  log::error(error.message);
  return exit_status_of(error);
}

// More than a fifth fewer.
bool are_much_fewer(size_t rules, size_t before) { return rules * 5 < before * 4; }

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// What a reload changes. The rest waits for the next start.
bool takes_effect(std::string_view key) { return key == "rules.paths" || key.starts_with("response."); }

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
  std::optional<std::string> database_path() const;
  std::optional<ExitStatus> open_outputs();
  std::optional<ExitStatus> open_responses();
  void open_operation();
  ExitStatus finish(Ending ending);

  // Between two chunks.
  void on_turn();
  void beat();
  void reload();
  // What there is to say of it; the Error where nothing was changed.
  ControlAnswer load_again();
  Result<Config> read_config(Diagnostics& diagnostics) const;
  void obey_mode(Config& config) const;
  Status set_mode(bool enforce, const std::string& by);
  DaemonStatus status();
  WatchState state() const;
  void keep_rules(const std::string& why);
  // Lines for who asked.
  std::string change_rules(LoadedRules rules, const Config& config);
  void respond_as(const Config& config);
  std::string tell_others(const Config& config);
  HealthSigns signs() const;
  void look_at_health(int64_t now_ns);
  void tell(const HealthReport& report);
  Result<LoadedRules> read_rules(const Config& config, Diagnostics& diagnostics) const;
  // Execs that are judged before they happen.
  bool is_armed(const Config& config) const {
    return detectd::is_armed(config, options_.dry_run, database_path().has_value());
  }
  void check_execs();
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
  int64_t health_looked_ns_ = 0;
  uint64_t looks_ = 0;
  uint64_t generation_ = 1;  // of the rules
  int64_t loaded_ns_ = wall_clock_ns();
  int64_t started_ns_ = wall_clock_ns();
  std::string reload_error_;     // of the last one, where it was refused
  std::string configured_mode_;  // of responses
  bool disarmed_ = false;        // by an operator, whatever is configured
  std::string mode_by_;

  LoadedRules rules_;
  std::shared_ptr<const CaptureHost> host_;
  std::optional<RunLock> lock_;
  OwnProcfs procfs_;
  WorkerPool workers_{1};
  std::optional<Engine> engine_;
  // Before the store, which wakes it.
  std::unique_ptr<Alerts> alerts_;
  std::optional<RunStore> store_;
  std::unique_ptr<Responses> responses_;
  std::unique_ptr<CaptureWriter> capture_;
  std::unique_ptr<Report> report_;
  std::unique_ptr<HostSource> source_;
  std::optional<ExecDenial> denial_;
  std::unique_ptr<Operation> operation_;
  std::optional<Pipeline> pipeline_;
  HealthWatch health_;
  Conditions conditions_{{.tell_disk_low = config_.text("on.disk_low") == "alert",
                          .tell_disk_full = config_.text("on.disk_full") == "alert",
                          .tell_silence = config_.text("on.silent") == "alert",
                          .silent_after_ns = config_.duration_ns("source.silent_after")}};
};

ExitStatus Watch::run() {
  if (const std::optional<ExitStatus> failed = prepare()) return *failed;
  beat();
  log::note(status_line());
  if (const Collector* const collector = source_->collector())
    log::info("receive thread: " + std::string(to_string(collector->receiver().scheduling())));
  notify::ready(status_line());
  return finish(pipeline_->run());
}

std::optional<ExitStatus> Watch::prepare() {
  if (!read_time("--from", options_.from, selection_.from_ns)) return ExitStatus::kUsage;
  if (!read_time("--to", options_.to, selection_.to_ns)) return ExitStatus::kUsage;
  if (options_.level) selection_.min_level = *options_.level;
  configured_mode_ = config_.text("response.mode");
  obey_mode(config_);
  if (geteuid() != 0 && !polls_procfs(config_)) {
    return fail({Errc::kPermission,
                 "watching a host needs root; --source procfs polls /proc as any user, and sees less; " +
                     std::string("--replay FILE needs nothing")});
  }
  if (auto failed = load()) return failed;
  host_ = std::make_shared<const CaptureHost>(read_host_identity());
  if (auto failed = open_procfs()) return failed;
  if (auto failed = open_lock()) return failed;
  if (auto failed = open_outputs()) return failed;
  if (auto failed = open_responses()) return failed;
  if (auto failed = open_source()) return failed;
  open_operation();
  EventSink* sink = capture_.get();
  if (operation_) sink = &operation_->tap(sink);
  pipeline_.emplace(*engine_,
                    Pipeline::Edges{.source = source_->events(),
                                    .report = operation_ ? operation_->tap(*report_) : *report_,
                                    .output = output_,
                                    .workers = workers_,
                                    .store = store_->get(),
                                    .capture = sink,
                                    .responder = &responses_->responder()},
                    Pipeline::Options{.limit = options_.limit,
                                      .profile = options_.profile,
                                      .slow_event_ns = config_.duration_ns("engine.slow_event"),
                                      .source_ends_on_stop = true,
                                      .on_turn = [this] { on_turn(); },
                                      .commit_aside = has_responses(*rules_.set)});
  if (options_.timeout_ns != 0) stop_after(options_.timeout_ns);
  return std::nullopt;
}

Result<LoadedRules> Watch::read_rules(const Config& config, Diagnostics& diagnostics) const {
  RuleOwners owners(geteuid(), diagnostics);
  RuleLoading loading{.owners = &owners, .built_in = builtin_rules(), .no_exec_checks = false};
  Result<LoadedRules> rules = load_rules_to_run(options_, config, diagnostics, loading);
  if (!rules || !ExecJudge::has_rules(*rules->set)) return rules;
  const Status possible = polls_procfs(config_)
                              ? Error{Errc::kSystem, "polling /proc sees no exec before it happened"}
                              : ExecGuard::probe(guard_options(config, *rules->set, is_armed(config)));
  if (possible) return rules;
  log::warning("execs are not judged before they happen: " + possible.error().message +
               "; rules for exec_check are silent, but those with a `fallback`");
  loading.no_exec_checks = true;
  Diagnostics told;
  return load_rules_to_run(options_, config, told, loading);
}

// As the rules and the configuration want it now.
void Watch::check_execs() {
  if (denial_) denial_->follow(config_, rules_.set, is_armed(config_));
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
  const std::optional<std::string> path = database_path();
  if (Diagnostics mistakes; path) {
    check_alerts(config_, mistakes);
    log::show(mistakes);
    if (mistakes.errors() != 0) return ExitStatus::kRules;
  }
  alerts_ = Alerts::open({.config = config_, .database = path, .host = host_->name});
  alerts_->use_rules(*rules_.set);
  store_.emplace(RunStore::Options{.path = path,
                                   .spill = options_.db ? std::string() : config_.text("store.spill"),
                                   .command = options_.words,
                                   .redact = config_.texts("store.redact"),
                                   .before_message = {},
                                   .name_of_file = no_file,
                                   .owner = UpkeepOptions{.max_bytes = config_.bytes("store.max_size"),
                                                          .keep_ns = config_.duration_ns("store.keep"),
                                                          .watch_disk = true},
                                   .sinks = alerts_->sinks(),
                                   .stored = [this] { alerts_->wake(); }});
  if (Status status = store_->open(*rules_.set); !status) return exit_status_of(status.error());
  store_->load_history(*engine_);
  alerts_->start();
  report_ = make_report(options_, *rules_.set, output_, no_file);
  return std::nullopt;
}

std::optional<std::string> Watch::database_path() const {
  if (options_.no_db) return std::nullopt;
  return options_.db.value_or(config_.text("store.path"));
}

// Before the source: threads that are made later run as soon as this one.
std::optional<ExitStatus> Watch::open_responses() {
  auto responses = Responses::open({.config = config_,
                                    .database = database_path(),
                                    .dry_run = options_.dry_run,
                                    .procfs = procfs_.root.number(),
                                    .engine = *engine_,
                                    .store = store_->get(),
                                    .host = host_},
                                   rules_.set);
  if (!responses) return fail(responses.error());
  responses_ = *std::move(responses);
  if (has_responses(*rules_.set)) log::note("responses: " + responses_->mode());
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
  if (polls_procfs(config_)) return std::nullopt;
  if (Status status = check_host_view(procfs_.root.number()); !status) return fail(unseen(status.error()));
  return std::nullopt;
}

std::optional<ExitStatus> Watch::open_source() {
  HostSource::Options options{
      .host = host_, .procfs = procfs_.root.number(), .captures = options_.capture.has_value()};
  if (lock_ && lock_->killed()) options.unwatched_since_boot_ns = lock_->killed()->alive_boot_ns;
  Result<std::unique_ptr<HostSource>> source = HostSource::open(config_, rules_.set, options);
  if (!source) return fail(source.error());
  source_ = *std::move(source);
  if (Collector* const collector = source_->collector()) {
    denial_.emplace(*collector, procfs_.root.number());
    responses_->take_grips_from(collector);
  }
  if (Status status = source_->start(); !status) return fail(unseen(status.error()));
  check_execs();
  return std::nullopt;
}

// For the daemon after this one.
void Watch::beat() {
  beat_ns_ = steady_clock_ns();
  if (lock_) lock_->beat(read_clocks().boot_ns);
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
    // Behind the hits that it is about: a crash between the two repeats a hit, and misses none.
    if (pipeline_->commit()) store_->save_history(*engine_);
  }
  if (now_ns - health_looked_ns_ >= kLookAtHealthNs) look_at_health(now_ns);
  // Only who gets on is alive: the loop turns, the kernel was heard, and what it said is on its way here.
  if (now_ns - alive_ns_ >= kNanosPerSecond && source_->gets_on()) {
    alive_ns_ = now_ns;
    notify::alive();
  }
  if (denial_ && denial_->needs_another(now_ns)) check_execs();
  if (operation_) operation_->serve();
  if (take_reload_request()) reload();
  if (take_state_request()) show_state();
}

void Watch::reload() { static_cast<void>(load_again()); }

// All or nothing: with a mistake anywhere, what runs goes on.
ControlAnswer Watch::load_again() {
  notify::reloading();
  alerts_->reopen();
  Diagnostics of_config;
  Result<Config> config = read_config(of_config);
  Diagnostics diagnostics;
  Result<LoadedRules> rules = config ? read_rules(*config, diagnostics) : config.error();
  ControlAnswer answer{.lines = diagnostic_lines(of_config) + diagnostic_lines(diagnostics)};
  if (rules) {
    configured_mode_ = options_.dry_run ? "dry-run" : config->text("response.mode");
    obey_mode(*config);
    answer.lines += change_rules(*std::move(rules), *config);
    reload_error_.clear();
  } else {
    reload_error_ = rules.error().message;
    answer.error = rules.error();
    keep_rules(rules.error().message);
  }
  notify::ready(status_line());
  return answer;
}

// What was given by hand stays until somebody takes it back, whatever is loaded.
void Watch::obey_mode(Config& config) const {
  if (options_.dry_run) config.set_text("response.mode", "dry-run", "--dry-run");
  if (disarmed_) config.set_text("response.mode", "dry-run", "detectctl mode");
}

Status Watch::set_mode(bool enforce, const std::string& by) {
  if (enforce && options_.dry_run) {
    return Error{Errc::kRules, "this detectd was started with --dry-run: start it without to let it respond"};
  }
  if (enforce && configured_mode_ != "enforce") {
    return Error{Errc::kRules,
                 "the configuration says response.mode = \"dry-run\": write \"enforce\" there, "
                 "then detectctl reload; what it does not allow can not be armed"};
  }
  if (enforce && !database_path()) {
    return Error{Errc::kRules, "without a database nothing is written down, so nothing is done (--no-db)"};
  }
  const std::string before = responses_->mode();
  disarmed_ = !enforce;
  mode_by_ = by;
  Config config = config_;
  config.set_text("response.mode", enforce ? "enforce" : "dry-run", "detectctl mode");
  respond_as(config);
  if (const std::string now = responses_->mode(); now != before) {
    tell(
        {.reason = "mode_changed", .message = "responses went from " + before + " to " + now + ", by " + by});
  }
  return {};
}

void Watch::open_operation() {
  operation_ = Operation::open(
      config_, lock_.has_value(),
      {.status = [this] { return status(); },
       .reload = [this] { return load_again(); },
       .set_mode = [this](bool enforce, const std::string& by) { return set_mode(enforce, by); },
       .running = [this] { return engine_->running(); },
       .rules = [this]() -> const RuleSet& { return *rules_.set; },
       .database = database_path(),
       .tell = [this](const HealthReport& report) { tell(report); }});
}

DaemonStatus Watch::status() {
  const Summary summary = pipeline_->summary();
  DaemonStatus status = status_of({.state = state(),
                                   .summary = summary,
                                   .rules = rules_,
                                   .config = config_,
                                   .collector = source_->collector(),
                                   .store = store_->get()});
  status.started_ns = started_ns_;
  status.configured_mode = configured_mode_;
  status.mode_by = mode_by_;
  status.generation = generation_;
  status.loaded_ns = loaded_ns_;
  status.reload_error = reload_error_;
  status.database = database_path().value_or("");
  status.sinks = alerts_->sink_status();
  return status;
}

Result<Config> Watch::read_config(Diagnostics& diagnostics) const {
  RuleOwners owners(0, diagnostics, RuleOwners::Strictness::kRefuse, RuleOwners::Subject::kConfiguration);
  Result<Config> config = load_config(options_.config, diagnostics, geteuid() == 0 ? &owners : nullptr);
  if (config && diagnostics.errors() == 0 && database_path()) check_alerts(*config, diagnostics);
  log::show(diagnostics);
  if (config && diagnostics.errors() != 0)
    config = Error{Errc::kRules, plural(diagnostics.errors(), "mistake") + " in the configuration"};
  if (!config) {
    log::error(config.error().message + ": nothing was changed");
    return config;
  }
  if (!options_.rules.empty()) config->set_rule_paths(options_.rules, "--rules");
  if (options_.source) config->set_text("source.kind", *options_.source, "--source");
  return config;
}

void Watch::keep_rules(const std::string& why) {
  log::error("the rules that were loaded before go on");
  source_->events().tell(
      {.reason = "reload_refused", .message = why + "; the rules that were loaded before go on"});
}

std::string Watch::change_rules(LoadedRules rules, const Config& config) {
  const size_t before = rules_.running;
  rules_ = std::move(rules);
  // What is read meanwhile may be for the rules of before, or for the new ones.
  source_->read_all();
  pipeline_->reload(rules_.set, has_responses(*rules_.set));
  source_->read_for(rules_.set);
  respond_as(config);
  alerts_->use_rules(*rules_.set);
  if (store_->get() != nullptr) store_->get()->learn_rules(*rules_.set);
  ++generation_;
  loaded_ns_ = wall_clock_ns();
  const std::string told =
      "loaded again: " + plural(rules_.running, "rule") + ", generation " + std::to_string(generation_);
  log::note(told);
  std::string lines = text_line(told);
  if (are_much_fewer(rules_.running, before)) {
    const std::string fewer =
        "of " + plural(before, "rule") + " a reload left " + with_separators(rules_.running);
    tell({.reason = "fewer_rules", .message = fewer});
    lines += warning_line(fewer);
  }
  lines += tell_others(config);
  if (const auto keys = config_.differences(config); !keys.empty()) {
    const std::string late =
        "changed in the configuration, and without effect until detectd is started again: " + list_text(keys);
    log::warning(late);
    lines += warning_line(late);
  }
  return lines;
}

// Whom alerts go to from now on.
std::string Watch::tell_others(const Config& config) {
  if (config_.has_same_alerts(config)) return {};
  config_.alerts = config.alerts;
  if (!database_path()) return {};
  alerts_->change(config_);
  if (store_->get() != nullptr) store_->get()->use_sinks(alerts_->sinks());
  const std::string told =
      alerts_->sinks().empty() ? "alerts go nowhere" : "alerts go to " + list_text(alerts_->sinks());
  log::note(told);
  return text_line(told);
}

// Armed or not, budgets and what is protected, from now on: of the responder, and of execs before they happen.
void Watch::respond_as(const Config& config) {
  for (const Config::Value& value : config.values) {
    if (takes_effect(value.key)) config_.set(value);
  }
  responses_->reload(config_, rules_.set);
  check_execs();
}

HealthSigns Watch::signs() const {
  HealthSigns signs = source_->signs();
  const SlowEvents& slow = pipeline_->slow_events();
  signs.slow_events = slow.events;
  signs.slowest_event_ns = slow.slowest_ns;
  signs.slowest_pid = slow.slowest_pid;
  return signs;
}

void Watch::look_at_health(int64_t now_ns) {
  health_looked_ns_ = now_ns;
  for (const HealthReport& report : health_.look(signs(), now_ns)) {
    if (report.reason == "slow_event") pipeline_->forget_slowest();
    tell(report);
  }
  const HitStore* const store = store_->get();
  const ConditionSigns conditions{
      .disk_low = store != nullptr && store->disk_is_low(),
      .disk_full = store != nullptr && store->disk_is_full(),
      .heard = source_->collector() ? source_->collector()->receiver().counters().forks.load() : ++looks_};
  for (const HealthReport& report : conditions_.look(conditions, now_ns)) {
    // The hit waits for the disk; who can do something about it must not.
    if (report.reason == "disk_full") alerts_->tell_at_once(Level::kHigh, report.message);
    tell(report);
  }
  for (const HealthReport& report : alerts_->take_reports(wall_clock_ns())) tell(report);
}

void Watch::tell(const HealthReport& report) {
  log::warning(report.message);
  source_->events().tell(report);
}

std::string Watch::status_line() const {
  return "watching with " + plural(rules_.set->rules().size(), "rule") + "; " +
         plural(pipeline_->summary().hits, "hit");
}

WatchState Watch::state() const {
  WatchState state = source_->polling() != nullptr
                         ? collect_state(*source_->polling(), *engine_, pipeline_->summary())
                         : collect_state(*source_->collector(), *engine_, pipeline_->summary());
  state.responses = responses_->mode();
  for (auto& count : responses_->counts()) state.counts.push_back(std::move(count));
  append_turns(pipeline_->turn_times(), state);
  return state;
}

void Watch::show_state() const {
  const WatchState state = this->state();
  log::table(state_text(state), {state_members(state)});
}

ExitStatus Watch::finish(Ending ending) {
  notify::stopping();
  source_->stop();
  Summary summary = pipeline_->summary();
  summary.elapsed_ns = shown_elapsed_ns(start_ns_);
  if (ending != Ending::kStoreFailed) store_->save_history(*engine_);
  const bool all_stored = store_->close(summary, to_string(ending));
  alerts_->stop();
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
    tell_statistics(pipeline_->statistics(), summary, source_->events().report(), engine_->counters());
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
