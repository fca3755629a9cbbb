#include "src/detectd/responses.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "src/boot_clock.h"
#include "src/clock.h"
#include "src/enrich/procfs_parse.h"
#include "src/log.h"
#include "src/respond/rate.h"
#include "src/text.h"
#include "src/thread_priority.h"

namespace detectd {
namespace {

// For files, sockets and looks at /proc.
constexpr size_t kOtherDescriptors = 128;
constexpr size_t kFewestGrips = 8;
// As many descriptors as we may have; half of them for holds, which wait in two places.
size_t affordable_grips() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return kFewestGrips;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur == RLIM_INFINITY) return GripRing::kMaxHeld;
  const auto all = static_cast<size_t>(limit.rlim_cur);
  const size_t free = all > kOtherDescriptors ? (all - kOtherDescriptors) / 2 : 0;
  return std::clamp(free, kFewestGrips, GripRing::kMaxHeld);
}

GripOn events_to_grip(const RuleSet& rules) {
  bool any = false;
  bool beside_exec = false;
  for (const CompiledRule& rule : rules.rules()) {
    if (!reacts(rule.rule->response)) continue;
    any = true;
    beside_exec |= rule.kinds != KindSet{EventKind::kExec};
  }
  for (const CompiledCorrelation& correlation : rules.correlations()) {
    any = beside_exec |= reacts(correlation.rule->response);
  }
  if (beside_exec) return GripOn::kAll;
  return any ? GripOn::kExecs : GripOn::kNothing;
}

HeldProcess held_process(Grip& grip, int64_t boot_ns) {
  HeldProcess held{.pid = grip.pid,
                   .boot_ns = boot_ns,
                   .exec = grip.exec,
                   .doubtful = grip.doubtful,
                   .refused = grip.refused,
                   .process = std::move(grip.process)};
  if (grip.program) {
    held.start_ticks = grip.program->start_ticks;
    held.start_stack = grip.program->start_stack;
    held.arg_start = grip.program->arg_start;
  }
  if (grip.file) {
    held.file = FileKey{.device_major = grip.file->device_major,
                        .device_minor = grip.file->device_minor,
                        .inode = grip.file->inode};
  }
  return held;
}

}  // namespace

bool has_responses(const RuleSet& rules) { return events_to_grip(rules) != GripOn::kNothing; }

bool is_armed(const Config& config, bool dry_run, bool has_database) {
  return config.text("response.mode") == "enforce" && !dry_run && has_database;
}

Responder::Settings Responses::settings(const Config& config) const {
  const auto rate = [&](std::string_view key) { return *parse_rate(config.text(key)); };
  return {.enforce = is_armed(config, options_.dry_run, options_.database.has_value()),
          .budget = {.per_rule = rate("response.per_rule"), .total = rate("response.total")},
          .protection = {.executables = config.texts("response.protect_executables"),
                         .units = config.texts("response.protect_units")}};
}

Result<std::unique_ptr<Responses>> Responses::open(Options options,
                                                   const std::shared_ptr<const RuleSet>& rule_set) {
  const RuleSet& rules = *rule_set;
  std::unique_ptr<Responses> responses(new Responses(std::move(options)));
  const Options& kept = responses->options_;
  Responder::Settings settings = responses->settings(kept.config);
  if (!kept.database && kept.config.text("response.mode") == "enforce" && has_responses(rules)) {
    log::warning("without a database nothing is written down: responses are only rehearsed");
  }
  std::optional<ResponseLog> log;
  std::vector<ResponseLog::Intent> unfinished;
  if (kept.database) {
    const std::string path = response_log_path(*kept.database);
    Result<ResponseLog> opened = ResponseLog::open(path, wall_clock_ns(), unfinished);
    if (!opened && settings.enforce) return opened.error();
    if (opened) {
      log.emplace(*std::move(opened));
    } else if (has_responses(rules)) {
      log::warning(opened.error().message);
    }
  }
  responses->max_grips_ = has_responses(rules) ? affordable_grips() : kFewestGrips;
  responses->enforces_ = settings.enforce;
  if (settings.enforce && has_responses(rules)) hurry_this_thread();
  responses->responder_.emplace(
      Responder::Edges{.view = responses->processes_,
                       .signals = responses->signals_,
                       .log = std::move(log),
                       .self = static_cast<uint32_t>(getpid()),
                       .boot_clock_ns = [] { return read_clocks().boot_ns; },
                       .wall_clock_ns = wall_clock_ns,
                       .take_grips = [self = responses.get()](GripRing& ring) { self->take_grips(ring); },
                       .running = [&engine = kept.engine] { return engine.running(); },
                       .tell = [](const std::string& message) { log::warning(message); }},
      std::move(settings), rule_set, responses->max_grips_);
  responses->import(unfinished);
  return responses;
}

// It may have had its signal, or not. Nobody sends a second one: who has that pid now may be another.
void Responses::import(const std::vector<ResponseLog::Intent>& unfinished) {
  if (unfinished.empty()) return;
  log::warning("the last detectd ended before it knew what became of " +
               plural(unfinished.size(), "response") + ": unknown");
  for (const ResponseLog::Intent& intent : unfinished) {
    if (options_.store == nullptr) continue;
    const Status told = options_.store->set_outcome(intent.hit_time_ns, intent.hit, "unknown, reactive");
    if (!told) log::warning(told.error().message);
  }
  responder_->tell_unfinished(unfinished, options_.host);
}

void Responses::take_grips_from(Collector* collector) {
  collector_ = collector;
  ask_for_grips();
}

void Responses::reload(const Config& config, std::shared_ptr<const RuleSet> rules) {
  Responder::Settings next = settings(config);
  enforces_ = next.enforce;
  if (has_responses(*rules)) max_grips_ = affordable_grips();
  enforces_&& has_responses(*rules) ? hurry_this_thread() : let_others_first();
  responder_->set(std::move(next));
  responder_->reload(std::move(rules), max_grips_);
  ask_for_grips();
}

void Responses::ask_for_grips() {
  grip_on_ = events_to_grip(responder_->rules());
  if (collector_ == nullptr) return;
  collector_->take_grips(grip_on_, 2 * max_grips_);
  const bool acts = enforces_ && grip_on_ != GripOn::kNothing;
  collector_->hurry_for(acts ? responder_->shared_rules() : nullptr);
}

void Responses::take_grips(GripRing& ring) {
  if (collector_ == nullptr) return;
  Grip grip;
  while (collector_->pop(grip)) ring.add(held_process(grip, collector_->clock().boot_ns(grip.monotonic_ns)));
  collector_->hold_grips(ring.size());
}

std::string Responses::mode() const { return enforces_ ? "enforce" : "dry-run"; }

std::vector<std::pair<std::string, uint64_t>> Responses::counts() const {
  const Responder::Counters& counters = responder_->counters();
  return {{"responses asked for", counters.asked},     {"responses refused", counters.refused},
          {"responses signalled", counters.signalled}, {"processes ended", counters.ended},
          {"processes followed", counters.chased},     {"holds evicted", responder_->grips().evicted()}};
}

}  // namespace detectd
