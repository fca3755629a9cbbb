#include "src/live/collector.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <utility>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/host_identity.h"
#include "src/stop.h"
#include "src/thread_priority.h"

namespace detectd {
namespace {

constexpr size_t kChunkEvents = 512;
constexpr uint64_t kObservationsBetweenLooks = 256;
// Longer than the receive thread rests: whoever waits for what it passes on is woken by that, and not in between.
constexpr int64_t kTurnNs = 300'000'000;
constexpr int64_t kLookNs = 500'000'000;
constexpr int64_t kSecondNs = 1'000'000'000;
// What waits to be judged may take so much; then enriching waits.
constexpr size_t kMaxQueueBytes = size_t{16} << 20;
// A larger event is not kept to be used again.
constexpr size_t kMaxSpareBytes = size_t{32} << 10;
// In a storm more is read of execs at such intervals: to be woken for each costs more than most of them are worth. Not
// longer, since processes end meanwhile.
constexpr int64_t kGatherReadingNs = 2'000'000;
// Where events come within that of each other.
constexpr int64_t kStormNs = 4'000'000;
// How long those who tell of connections wait for what the kernel told before.
constexpr int64_t kCatchUpNs = 50'000'000;
constexpr int64_t kCatchUpLookNs = 500'000;
// How long the enrich thread is waited for when it is to give up: longer than it waits for room.
constexpr int64_t kGiveUpNs = 500'000'000;

void pause(int64_t ns) {
  const timespec time{.tv_sec = 0, .tv_nsec = ns};
  nanosleep(&time, nullptr);
}

std::string_view reason_of(Loss::Reason reason) {
  switch (reason) {
    case Loss::Reason::kOverrun: return "overrun";
    case Loss::Reason::kQueue: return "queue";
    case Loss::Reason::kKilled: return "killed";
    case Loss::Reason::kBlind: break;
  }
  return "blind";
}

Enricher::Options enricher_options(const Collector::Options& options, const CaptureHost& host) {
  Enricher::Options chosen = options.enricher;
  chosen.boot_time_ns = host.booted_ns;
  return chosen;
}

std::unique_ptr<ToldPrograms> told_programs(std::unique_ptr<ExecRecords> records,
                                            const Collector::Options& options, ExecReader& reader) {
  if (!records) return nullptr;
  const auto read_groups = [&reader](uint32_t pid, uint64_t start_ticks, std::string& text) {
    return reader.read_control_groups(pid, start_ticks, text);
  };
  const auto runs = [&reader](uint32_t pid, const ProgramIdentity& program) {
    return reader.runs(pid, program);
  };
  const auto read_file = [&reader](uint32_t pid, const ProgramIdentity& program) {
    return reader.read_file(pid, program);
  };
  return std::make_unique<ToldPrograms>(std::move(records),
                                        ToldPrograms::Options{.max_argv_bytes = options.max_argv_bytes,
                                                              .read_groups = read_groups,
                                                              .runs = runs,
                                                              .read_file = read_file});
}

}  // namespace

Collector::Collector(std::unique_ptr<ProcEventSocket> socket, std::unique_ptr<ExecRecords> records,
                     std::shared_ptr<const CaptureHost> host, Options options)
    : options_(std::move(options)),
      is_told_(records != nullptr),
      host_(std::move(host)),
      clock_(clocks_of(*host_)),
      heartbeat_({.period_ns = options_.heartbeat_ns, .beat = beat_by_thread}),
      reader_(options_.procfs, options_.max_argv_bytes),
      receiver_(
          std::move(socket), told_programs(std::move(records), options_, reader_),
          [this](uint32_t pid, ExecImage& image) { reader_.read(pid, image); }, heartbeat_,
          options_.receiver),
      mapper_(clock_, host_),
      procfs_(options_.procfs),
      snapshot_reader_(options_.procfs, options_.max_argv_bytes),
      enricher_(procfs_, enricher_options(options_, *host_)),
      programs_(procfs_),
      late_procfs_(options_.procfs),
      late_enricher_(late_procfs_, enricher_options(options_, *host_)),
      connections_(clock_, host_,
                   {.poller = {.procfs = options_.procfs},
                    .catch_up = [this] { catch_up(); },
                    .wake = [this] { queue_.wake(); }}) {}

Collector::~Collector() {
  give_up_ = true;
  heartbeat_.stop();
  receiver_.stop();
  if (enrich_thread_.joinable()) enrich_thread_.join();
}

Status Collector::start() {
  started_ns_ = steady_clock_ns();
  clocks_read_ns_ = started_ns_;
  receiver_.start();
  read_as_wanted();
  heartbeat_.start();
  if (!heartbeat_.wait_heard(2 * kSecondNs)) {
    return Error{
        Errc::kSystem,
        "the process connector accepted the subscription, and sends nothing, not even of our own threads"};
  }
  enrich_thread_ = std::thread([this] { enrich(); });
  if (options_.connections) watch_connections(true);
  return {};
}

void Collector::watch_connections(bool wanted) { connections_.want(wanted); }

// Whoever asks for an exec has to be known by then; and what the kernel does not tell of a program has to be read before
// it ends.
void Collector::read_as_wanted() {
  const bool reads_more = options_.enricher.hash || !options_.enricher.env.empty() ||
                          options_.max_argv_bytes > size_t{kRecordHeadParts} * kRecordArgBytes;
  receiver_.read_promptly(exec_checks_ != nullptr || reads_more);
}

// Where so much comes that there is always something on its way, not for long.
void Collector::catch_up() {
  const int64_t now_ns = steady_clock_ns();
  receiver_.read_now();
  const auto is_here = [&] {
    return receiver_.empty_ns() >= now_ns && receiver_.queued() == 0 && !enriching_.load();
  };
  while (!is_here() && steady_clock_ns() - now_ns < kCatchUpNs) pause(kCatchUpLookNs);
}

void Collector::stop() {
  if (stopping_since_ns_ != 0) return;
  stopping_since_ns_ = steady_clock_ns();
  heartbeat_.stop();
  receiver_.stop();
  connections_.stop();
  if (exec_checks_) exec_checks_->stop();
}

void Collector::check_execs(std::unique_ptr<ExecGuard> guard, std::shared_ptr<ExecJudge> judge,
                            std::function<void(const std::string&)> gone) {
  if (exec_checks_) {
    exec_checks_->stop();
    while (!exec_checks_->ended()) take_events();
    while (exec_checks_->size() != 0) take_events();
    exec_checks_.reset();
  }
  if (!guard) return read_as_wanted();
  exec_checks_ =
      std::make_unique<ExecChecks>(clock_, host_, std::move(guard), std::move(judge),
                                   ExecChecks::Options{.procfs = options_.procfs,
                                                       .max_argv_bytes = options_.max_argv_bytes,
                                                       .enricher = enricher_options(options_, *host_),
                                                       .wake = [this] { queue_.wake(); },
                                                       .gone = std::move(gone)});
  read_as_wanted();
  exec_checks_->start();
}

int64_t Collector::stuck_ns() const {
  const int64_t enriched_ns = enriched_ns_.load();
  return enriched_ns == 0 || enriched_all_.load() ? 0 : std::max<int64_t>(0, steady_clock_ns() - enriched_ns);
}

Collector::Counters Collector::counters() const {
  const std::lock_guard lock(counters_mutex_);
  Counters counters = counters_;
  counters.connections = connections_.counters();
  return counters;
}

void Collector::enrich() {
  pthread_setname_np(pthread_self(), "enrich");
  enriched_ns_ = steady_clock_ns();
  // What stays behind from before comes first.
  if (options_.unwatched_since_boot_ns) tell_unwatched();
  if (options_.snapshot) take_snapshot("start", started_ns_);
  Observation observation;
  Timed timed;
  uint64_t taken = 0;
  uint64_t gathered_at = 0;
  int64_t waited_ns = kTurnNs;
  while (!give_up_) {
    enriching_ = true;
    if (receiver_.pop(observation)) {
      enrich(observation, timed);
      if (++taken % kObservationsBetweenLooks == 0) look_around(steady_clock_ns());
      continue;
    }
    enriching_ = false;
    if (receiver_.ended()) {
      if (!receiver_.pop(observation)) break;
      enrich(observation, timed);
      continue;
    }
    if (taken != gathered_at && waited_ns < kStormNs && gathering_.load() && enricher_.foresees()) {
      gathered_at = taken;
      pause(kGatherReadingNs);
      continue;
    }
    const int64_t begin_ns = steady_clock_ns();
    receiver_.wait(kLookNs);
    enriching_ = true;
    const int64_t now_ns = steady_clock_ns();
    waited_ns = now_ns - begin_ns;
    look_around(now_ns);
  }
  if (receiver_.ended() && !give_up_) {
    for (const Loss& loss : receiver_.losses_left()) push_loss(loss);
  }
  clocks_read_ns_ = 0;
  look_around(steady_clock_ns());
  enriched_all_ = true;
  queue_.wake();
}

void Collector::read_for(std::shared_ptr<const RuleSet> rules) {
  auto foresight = rules ? std::make_unique<Foresight>(std::move(rules)) : nullptr;
  const std::lock_guard lock(foresight_mutex_);
  new_foresight_ = std::move(foresight);
  has_new_foresight_ = true;
}

void Collector::hurry_for(std::shared_ptr<const RuleSet> rules) {
  auto urgency = rules ? std::make_unique<Foresight>(std::move(rules), Foresight::Of::kResponses) : nullptr;
  const std::lock_guard lock(foresight_mutex_);
  new_urgency_ = std::move(urgency);
  has_new_urgency_ = true;
}

void Collector::take_foresight() {
  if (has_new_foresight_.load()) {
    const std::lock_guard lock(foresight_mutex_);
    enricher_.read_for(std::move(new_foresight_));
    has_new_foresight_ = false;
  }
  if (has_new_urgency_.load()) {
    const std::lock_guard lock(foresight_mutex_);
    urgency_ = std::move(new_urgency_);
    has_new_urgency_ = false;
    urgency_ ? hurry_this_thread() : let_others_first();
  }
  // Ids that changed while events were lost are not known from the lineage, until all processes were looked at.
  if (lost_ns_ != 0 && !wants_rescan_ && steady_clock_ns() - lost_ns_ > 2 * options_.rescan_ns) lost_ns_ = 0;
  enricher_.read_all(lost_ns_ != 0);
}

void Collector::enrich(Observation& observation, Timed& timed) {
  if (observation.loss) {
    tell_loss(*observation.loss);
  } else if (mapper_.map(observation.event, timed.event)) {
    const ProcEvent& event = observation.event;
    timed.monotonic_ns = event.monotonic_ns;
    timed.urgent = false;
    if (event.what == ProcWhat::kExec) {
      static const ExecImage kNone;
      const bool read = observation.image != nullptr;
      take_foresight();
      enricher_.fill(event.pid, read ? *observation.image : kNone, observation.superseded, timed.event);
      if (read && !observation.superseded) {
        programs_.note(event.pid, *observation.image, event.monotonic_ns);
      } else {
        programs_.forget(event.pid);
      }
      if (enricher_.unasked()) note_unasked(event.pid, event.monotonic_ns, *observation.image);
      if (read) timed.event.set_integer(field::kLagUs, observation.lag_ns / 1000);
      if (read && observation.image->is_told) timed.event.set_text(field::kSource, "ebpf");
      timed.urgent = urgency_ && urgency_->may_hold(timed.event);
    } else if (event.what == ProcWhat::kUid || event.what == ProcWhat::kGid) {
      enricher_.name_ids(timed.event);
    } else if (event.what == ProcWhat::kExit) {
      programs_.forget(event.pid);
    }
    push(timed);
  }
  receiver_.give_back(std::move(observation.image));
  observation = {};
}

// What was told is taken, and its room given instead.
void Collector::note_unasked(uint32_t pid, int64_t monotonic_ns, ExecImage& image) {
  const std::lock_guard lock(unasked_mutex_);
  Unasked& unasked = unasked_[pid % kMaxUnasked];
  unasked.pid = pid;
  unasked.boot_ns = clock_.boot_ns(monotonic_ns);
  unasked.program = *enricher_.unasked();
  unasked.is_told = image.is_told;
  if (image.is_told) std::swap(unasked.told, image.told);
}

void Collector::complete(Event& event) {
  const auto integer = [&event](FieldId id) { return event.find_carried(id).number; };
  if (event.kind != EventKind::kExec || !event.withheld(process_field(Leaf::kMountNamespace))) return;
  // A hit shows what its event carries.
  for (const Leaf leaf : {Leaf::kUserId, Leaf::kUserName, Leaf::kRealUserId, Leaf::kSavedUserId,
                          Leaf::kGroupId, Leaf::kGroupName, Leaf::kRealGroupId, Leaf::kSavedGroupId}) {
    const FieldId id = process_field(leaf);
    if (const FieldView known = event.find(id); !event.carries(id) && known.has_value()) event.set(id, known);
  }
  const auto pid = static_cast<uint32_t>(integer(process_field(Leaf::kPid)));
  Unasked found;
  {
    const std::lock_guard lock(unasked_mutex_);
    found = unasked_[pid % kMaxUnasked];
  }
  if (found.pid != pid || found.boot_ns != integer(field::kBootNs)) return;
  if (found.is_told) return late_enricher_.complete(found.told, event);
  late_enricher_.complete(pid, found.program, event);
}

void Collector::tell_unwatched() {
  const int64_t slept_ns = clock_.boot_ns(started_ns_) - started_ns_;
  Loss loss{.reason = Loss::Reason::kKilled, .end_ns = started_ns_, .count = {}};
  loss.start_ns = std::min(*options_.unwatched_since_boot_ns - slept_ns, started_ns_);
  push_loss(loss);
}

void Collector::tell_loss(const Loss& loss) {
  push_loss(loss);
  programs_.forget_all();
  lost_ns_ = steady_clock_ns();
  wants_rescan_ = true;
  rescan(lost_ns_);
}

// As of now: of what began since the loss, some may have been lost by then, too.
void Collector::rescan(int64_t now_ns) {
  if (!wants_rescan_ || (rescanned_ns_ != 0 && now_ns - rescanned_ns_ < options_.rescan_ns)) return;
  wants_rescan_ = false;
  rescanned_ns_ = now_ns;
  take_snapshot("overrun", now_ns);
  const std::lock_guard lock(counters_mutex_);
  ++counters_.rescans;
}

void Collector::push_loss(const Loss& loss) {
  Timed timed;
  fill_loss(loss, timed.event);
  timed.monotonic_ns = loss.end_ns;
  push(timed);
}

void Collector::fill_loss(const Loss& loss, Event& event) const {
  event.clear();
  event.kind = EventKind::kLost;
  const int64_t end_ns = clock_.boot_ns(loss.end_ns);
  event.has_time = true;
  event.time_ns = clock_.wall_ns(end_ns);
  event.host = host_;
  event.set_integer(field::kBootNs, end_ns);
  event.set_text(field::kSource, "connector");
  event.set_text(field::kReason, reason_of(loss.reason));
  event.set_text(field::kEventStart, format_rfc3339(clock_.wall_ns(clock_.boot_ns(loss.start_ns))));
  event.set_text(field::kEventEnd, format_rfc3339(event.time_ns));
  if (loss.count) event.set_integer(field::kLost, static_cast<int64_t>(*loss.count));
}

// Of those that began before the moment; the others are told of by the kernel.
void Collector::take_snapshot(std::string_view reason, int64_t monotonic_ns) {
  const int64_t boot_ns = clock_.boot_ns(monotonic_ns);
  Snapshot snapshot(procfs_, snapshot_reader_, enricher_);
  Timed timed;
  uint64_t processes = 0;
  if (Status status = snapshot.begin(); !status) return fail_list(status.error());
  if (snapshot.is_partial())
    fail_list({Errc::kPermission, "processes of others are hidden (hidepid=, or a masked /proc)"});
  while (!give_up_) {
    timed.event.clear();
    timed.event.kind = EventKind::kAlreadyRunning;
    timed.event.has_time = true;
    timed.event.time_ns = clock_.wall_ns(boot_ns);
    timed.event.host = host_;
    timed.event.set_integer(field::kBootNs, boot_ns);
    timed.event.set_text(field::kSource, "procfs");
    timed.event.set_text(field::kReason, reason);
    if (!snapshot.next(timed.event)) break;
    const auto start_ns = parse_rfc3339(timed.event.find_carried(process_field(Leaf::kStart)).text);
    if (start_ns && *start_ns > timed.event.time_ns) continue;
    timed.monotonic_ns = monotonic_ns;
    push(timed);
    enriched_ns_ = steady_clock_ns();
    ++processes;
  }
  const std::lock_guard lock(counters_mutex_);
  counters_.snapshot_processes = processes;
}

void Collector::push(Timed& timed) {
  while (!give_up_ && queue_bytes_.load() > kMaxQueueBytes) wait_room();
  queue_bytes_.fetch_add(timed.event.memory_bytes());
  while (!queue_.push(timed)) {
    if (give_up_) {
      ++dropped_;
      return;
    }
    wait_room();
  }
}

// For who judges, whose own turns are looked at.
void Collector::wait_room() {
  queue_.wait_room(kTurnNs);
  enriched_ns_ = steady_clock_ns();
}

void Collector::fail_list(const Error& error) {
  const std::lock_guard lock(counters_mutex_);
  ++counters_.failed_lists;
  counters_.list_error = error.message;
}

// Which programs have changed; and once a second whether processes were hidden or the clock was set, and what other
// threads may see of this one.
void Collector::look_around(int64_t now_ns) {
  enriched_ns_ = now_ns;
  rescan(now_ns);
  programs_.look(now_ns, [&](const ProgramChange& change) { tell_now(report_of(change)); });
  if (now_ns - clocks_read_ns_ < kSecondNs) return;
  clocks_read_ns_ = now_ns;
  for (const ProcMount& mount : mounts_.look()) tell_now(report_of(mount));
  const BootClock::Jump jump = clock_.update(read_clocks());
  const std::lock_guard lock(counters_mutex_);
  counters_.jumps.add(jump);
  counters_.programs = programs_.counters();
  counters_.enriched = enricher_.counters();
}

// As of now, not of the look: who judges may have been told meanwhile that nothing from before is on its way.
void Collector::tell_now(const HealthReport& report) {
  const int64_t now_ns = steady_clock_ns();
  Timed timed;
  to_event(report, moment_of(now_ns), "procfs", timed.event);
  timed.monotonic_ns = now_ns;
  push(timed);
}

void Collector::tell(const HealthReport& report) {
  const int64_t now_ns = steady_clock_ns();
  to_event(report, moment_of(now_ns), "connector", timed_.event);
  reorder_.push(timed_.event, now_ns);
}

Moment Collector::moment_of(int64_t monotonic_ns) const {
  const int64_t boot_ns = clock_.boot_ns(monotonic_ns);
  return {.time_ns = clock_.wall_ns(boot_ns), .boot_ns = boot_ns, .host = host_};
}

Result<bool> Collector::next(std::vector<Event>& chunk) {
  for (Event& event : chunk) {
    event.process.reset();
    event.target.reset();
    if (event.memory_bytes() <= kMaxSpareBytes && spare_.size() < kChunkEvents)
      spare_.push_back(std::move(event));
  }
  chunk.clear();
  const int64_t turn_ns = steady_clock_ns();
  while (true) {
    if (stop_requested()) stop();
    // Asked in this order: what is pushed after the first question is seen by take_events().
    const bool ended = this->ended();
    const int64_t now_ns = steady_clock_ns();
    const int64_t empty_ns = receiver_.empty_ns();
    const bool idle = all_is_here();
    take_events();
    while (ended && waiting() != 0) take_events();
    if (ended) {
      reorder_.flush(chunk);
      report_.events += chunk.size();
      return !chunk.empty();
    }
    if (stopping_since_ns_ != 0 && now_ns - stopping_since_ns_ > options_.max_drain_ns) return give_up(chunk);
    // While nobody hurries, what is not taken yet may be older than what there is.
    reorder_.release(receiver_.rests() ? std::min(now_ns, empty_ns) : now_ns, idle, kChunkEvents, chunk);
    if (idle && reorder_.empty() && empty_ns != 0)
      settled_ns_ = std::min(now_ns, empty_ns) - Reorder::kWaitNs;
    report_.events += chunk.size();
    if (!chunk.empty() || now_ns - turn_ns > kTurnNs) return true;
    const bool gathers = gathering_ && options_.gather_ns != 0 && stopping_since_ns_ == 0;
    // Who gathers anyway need not be woken for it.
    bool soon = !reorder_.empty();
    if (reorder_.empty() || !gathers) {
      const int64_t begin_ns = steady_clock_ns();
      queue_.wait_filled(reorder_.empty() ? kTurnNs : Reorder::kWaitNs);
      soon = steady_clock_ns() - begin_ns < kStormNs;
    }
    if (gathers && soon && queue_.size() < kChunkEvents / 2) pause(options_.gather_ns);
  }
}

// What is enriched is given. What is not is lost, and counted unless the enrich thread hangs.
bool Collector::give_up(std::vector<Event>& chunk) {
  if (give_up_.exchange(true)) return false;
  const int64_t until_ns = steady_clock_ns() + kGiveUpNs;
  while (!enriched_all_.load() && steady_clock_ns() < until_ns) {
    take_events();
    queue_.wait_filled(kGiveUpNs / 10);
  }
  while (queue_.size() + connections_.size() != 0) take_events();
  reorder_.flush(chunk);
  const std::optional<uint64_t> left = count_left(chunk);
  if (left != 0) {
    fill_loss({.reason = Loss::Reason::kQueue,
               .start_ns = settled_ns_ != 0 ? settled_ns_ : started_ns_,
               .end_ns = steady_clock_ns(),
               .count = left},
              chunk.emplace_back());
  }
  report_.events += chunk.size();
  return !chunk.empty();
}

// Losses among them are told.
std::optional<uint64_t> Collector::count_left(std::vector<Event>& chunk) {
  if (!enriched_all_.load() || !receiver_.ended()) return std::nullopt;
  uint64_t left = dropped_.load();
  for (Observation observation; receiver_.pop(observation);) {
    if (observation.loss) {
      fill_loss(*observation.loss, chunk.emplace_back());
    } else {
      ++left;
    }
  }
  for (const Loss& loss : receiver_.losses_left()) fill_loss(loss, chunk.emplace_back());
  return left;
}

void Collector::take_events() {
  for (size_t i = 0; i < kChunkEvents; ++i) {
    if (!spare_.empty()) {
      std::swap(timed_.event, spare_.back());
      spare_.pop_back();
    }
    if (!queue_.pop(timed_)) break;
    queue_bytes_.fetch_sub(timed_.event.memory_bytes());
    if (timed_.urgent) reorder_.hurry(timed_.monotonic_ns);
    reorder_.push(timed_.event, timed_.monotonic_ns);
  }
  for (size_t i = 0; i < kChunkEvents && connections_.pop(timed_); ++i) {
    reorder_.push(timed_.event, timed_.monotonic_ns);
  }
  for (size_t i = 0; exec_checks_ && i < kChunkEvents && exec_checks_->pop(timed_); ++i) {
    reorder_.push(timed_.event, timed_.monotonic_ns);
  }
}

size_t Collector::waiting() const {
  return queue_.size() + connections_.size() + (exec_checks_ ? exec_checks_->size() : 0);
}

bool Collector::ended() const {
  return enriched_all_.load() && connections_.ended() && (!exec_checks_ || exec_checks_->ended());
}

std::optional<Moment> Collector::settled() const {
  if (settled_ns_ == 0) return std::nullopt;
  return moment_of(settled_ns_);
}

bool Collector::all_is_here() const {
  return receiver_.idle() && !enriching_.load() && connections_.idle() &&
         (!exec_checks_ || exec_checks_->idle());
}

}  // namespace detectd
