#include "src/pipeline.h"

#include <time.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/stop.h"

namespace detectd {
namespace {

// Events that a worker matches at a time.
constexpr size_t kSliceEvents = 32;
// How long a hit may wait for others to be stored with.
constexpr int64_t kMaxWaitNs = 100'000'000;
// How many hits may wait for a commit to end; then judging waits too.
constexpr size_t kMaxToStore = 4 * HitStore::kBatchHits;

// Adds the time it lives to `total_ns`.
class Stopwatch {
 public:
  explicit Stopwatch(int64_t& total_ns) : total_ns_(total_ns), start_ns_(steady_clock_ns()) {}
  ~Stopwatch() { total_ns_ += steady_clock_ns() - start_ns_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  int64_t& total_ns_;
  int64_t start_ns_;
};

}  // namespace

std::string_view to_string(Ending ending) {
  constexpr std::string_view kNames[] = {"end", "input", "store", "output", "limit", "stopped"};
  return kNames[static_cast<size_t>(ending)];
}

Pipeline::Pipeline(Engine& engine, Edges edges, Options options)
    : engine_(engine), edges_(edges), options_(std::move(options)) {
  make_matchers();
  begin_aside();
}

void Pipeline::begin_aside() {
  if (options_.commit_aside && edges_.store != nullptr && !committer_) committer_.emplace(*edges_.store);
}

void Pipeline::make_matchers() {
  matchers_.clear();
  matchers_.reserve(edges_.workers.size());
  for (size_t i = 0; i < edges_.workers.size(); ++i) matchers_.emplace_back(engine_.rules());
  statistics_.hits_by_rule.assign(engine_.rules().rules().size(), 0);
  if (options_.profile) profile_.emplace(engine_.rules());
}

void Pipeline::reload(std::shared_ptr<const RuleSet> rules, bool commit_aside) {
  for (const auto& worker : matchers_) statistics_.terms_evaluated += worker.matcher.terms_evaluated();
  // They refer to the rules that go.
  matchers_.clear();
  engine_.reload(std::move(rules));
  make_matchers();
  options_.commit_aside = commit_aside;
  begin_aside();
}

bool Pipeline::commit() {
  if (!failed_) failed_ = end_commit();
  return !failed_;
}

Ending Pipeline::run() {
  std::optional<Ending> ending;
  while (!ending) {
    // The events that were judged lend their buffers to the next chunk.
    chunk_.swap(ready_);
    ready_.clear();
    ending = read_chunk();
    const bool something_came = !chunk_.empty();
    const int64_t came_ns = steady_clock_ns();
    const std::optional<Moment> settled = ending ? std::nullopt : edges_.source.settled();
    {
      const Stopwatch watch(statistics_.observe_ns);
      observe();
      if (settled) engine_.advance(*settled, ready_);
      if (ending) engine_.flush(ready_);
    }
    // A limit or a failure further on outranks the end of the input.
    std::optional<Ending> sooner = judge();
    if (!sooner && settled) sooner = settle(*settled);
    if (!sooner && edges_.responder != nullptr) settle_responses(false);
    if (sooner) ending = sooner;
    tell_progress();
    if (committer_ && !ending) ending = show_committed(committer_->take_result(), committing_);
    if (!ending && options_.on_turn && !is_committing()) options_.on_turn();
    if (!ending) ending = failed_;
    if (something_came) turn_times_.add(steady_clock_ns() - came_ns);
  }
  const bool can_tell = *ending != Ending::kStoreFailed && *ending != Ending::kOutputFailed;
  if (const std::optional<Ending> failed = can_tell ? finish() : std::nullopt) ending = failed;
  if (edges_.progress != nullptr) edges_.progress->hide();
  if (*ending != Ending::kStoreFailed && *ending != Ending::kOutputFailed) {
    if (const std::optional<Ending> failed = end_commit()) ending = failed;
  }
  summary_.reached_end = *ending == Ending::kEndOfStream;
  return *ending;
}

// To wait for what lies in another thread's cache costs more than to judge it.
void Pipeline::observe() {
  constexpr size_t kAhead = 4;
  const bool written_by_others = edges_.workers.size() > 1;
  for (size_t i = 0; i < chunk_.size(); ++i) {
    if (written_by_others && i + kAhead < chunk_.size()) chunk_[i + kAhead].prefetch();
    engine_.observe(chunk_[i], ready_);
  }
}

std::optional<Ending> Pipeline::read_chunk() {
  const Stopwatch watch(statistics_.read_ns);
  Result<bool> more = edges_.source.next(chunk_);
  if (stop_requested() && !options_.source_ends_on_stop) return Ending::kStopped;
  if (!more) {
    error_ = std::move(more).error();
    chunk_.clear();
    return Ending::kInputFailed;
  }
  if (!*more) return stop_requested() ? Ending::kStopped : Ending::kEndOfStream;
  return std::nullopt;
}

std::optional<Ending> Pipeline::judge() {
  {
    const Stopwatch watch(statistics_.match_ns);
    match();
  }
  const Stopwatch watch(statistics_.conclude_ns);
  return conclude();
}

// What the next event would have told, where there is none yet.
std::optional<Ending> Pipeline::settle(const Moment& moment) {
  hits_.clear();
  engine_.settle(moment, hits_);
  if (const std::optional<Ending> ending = take_hits()) return ending;
  return show_when_due();
}

void Pipeline::match() {
  const size_t slices = (ready_.size() + kSliceEvents - 1) / kSliceEvents;
  if (slices_.size() < slices) slices_.resize(slices);
  const size_t others = edges_.workers.size() - 1;
  if (match_cost_ns_ * static_cast<int64_t>(others) >= options_.share_above_ns) {
    edges_.workers.run(
        slices, [this](size_t number, size_t worker) { match_slice(number, matchers_[worker].matcher); });
  } else {
    for (size_t number = 0; number < slices; ++number) match_slice(number, matchers_.front().matcher);
  }
  if (slices == 0 || others == 0) return;
  int64_t took_ns = 0;
  for (size_t number = 0; number < slices; ++number) took_ns += slices_[number].took_ns;
  match_cost_ns_ = took_ns / static_cast<int64_t>(ready_.size());
}

void Pipeline::match_slice(size_t number, Matcher& matcher) {
  Slice& slice = slices_[number];
  slice.held.clear();
  slice.ends.clear();
  slice.slow = {};
  LapTimer timer(options_.slow_event_ns);
  const int64_t begin_ns = steady_clock_ns();
  const size_t end = std::min((number + 1) * kSliceEvents, ready_.size());
  for (size_t i = number * kSliceEvents; i < end; ++i) {
    engine_.match(ready_[i], matcher, slice.held);
    slice.ends.push_back(slice.held.size());
    if (const int64_t took_ns = timer.lap(); took_ns != 0) slice.slow.add(ready_[i], took_ns);
  }
  slice.took_ns = steady_clock_ns() - begin_ns;
}

std::optional<Ending> Pipeline::conclude() {
  LapTimer timer(options_.slow_event_ns);
  for (size_t i = 0; i < ready_.size(); ++i) {
    const Slice& slice = slices_[i / kSliceEvents];
    const size_t place = i % kSliceEvents;
    const size_t begin = place == 0 ? 0 : slice.ends[place - 1];
    const auto held = std::span(slice.held).subspan(begin, slice.ends[place] - begin);
    if (place == 0) slow_events_.add(slice.slow);
    // What is read late is not asked while a process goes on that is to end.
    const bool responds_first = !held.empty() && responds(held);
    if (!held.empty() && !responds_first) edges_.source.complete(ready_[i]);
    completes_hits_ = responds_first;
    if (std::optional<Ending> ending = conclude(ready_[i], held)) return ending;
    if (const int64_t took_ns = timer.lap(); took_ns != 0) slow_events_.add(ready_[i], took_ns);
  }
  if (edges_.capture != nullptr) edges_.capture->settle(steady_clock_ns());
  return show_when_due();
}

// Where a correlation or a fold wants to know all of an event, it comes first.
bool Pipeline::responds(std::span<const uint32_t> held) const {
  if (edges_.responder == nullptr) return false;
  const RuleSet& rules = engine_.rules();
  const auto is_alone = [&rules](uint32_t rule) {
    return rules.feeds_of_rule(rule).empty() && rules.rules()[rule].suppress.by.empty();
  };
  const auto responds = [&rules](uint32_t rule) { return reacts(rules.rules()[rule].rule->response); };
  return std::any_of(held.begin(), held.end(), responds) && std::all_of(held.begin(), held.end(), is_alone);
}

std::optional<Ending> Pipeline::conclude(const Event& event, std::span<const uint32_t> held) {
  if (options_.speed != 0) {
    keep_pace(event);
    if (stop_requested()) return Ending::kStopped;
  }
  if (!event.silent) ++summary_.events;
  if (profile_) profile_->observe(event);
  if (!event.silent) ++statistics_.events_by_kind[static_cast<size_t>(event.kind)];
  for (const uint32_t rule : held) ++statistics_.hits_by_rule[rule];
  if (event.kind == EventKind::kLost) {
    count_loss(event);
    if (const std::optional<Ending> ending = end_commit()) return ending;
    if (edges_.store != nullptr) edges_.store->record_gap(event);
    if (edges_.progress != nullptr) edges_.progress->hide();
    edges_.report.show_loss(event);
  }
  if (edges_.responder != nullptr) edges_.responder->observe(event);
  hits_.clear();
  engine_.conclude(event, held, hits_);
  if (edges_.capture != nullptr) edges_.capture->write(event);
  return take_hits();
}

void Pipeline::settle_responses(bool last) {
  edges_.responder->settle(news_, last);
  for (Hit& hit : news_.settled) {
    keep(hit);
    pending_.push_back(std::move(hit));
  }
  for (const Hit& hit : news_.changed) {
    keep(hit);
  }
  for (Hit& hit : news_.health) {
    count(hit);
    keep(hit);
    pending_.push_back(std::move(hit));
  }
  news_ = {};
}

// What repeats did not become hits of their own is told when the stream ends, whatever ended it.
std::optional<Ending> Pipeline::finish() {
  if (edges_.responder != nullptr) settle_responses(true);
  hits_.clear();
  engine_.finish(hits_);
  if (const std::optional<Ending> ending = take_hits()) return ending;
  return end_commit();
}

std::optional<Ending> Pipeline::take_hits() {
  respond_to_hits();
  for (size_t i = 0; i < hits_.size(); ++i) {
    Hit& hit = hits_[i];
    const bool fold = hit.fold;
    if (!fold) count(hit);
    keep(hit);
    if (!open_hits_[i]) pending_.push_back(std::move(hit));
    if (!fold && options_.limit != 0 && summary_.hits == options_.limit) return Ending::kLimit;
  }
  return std::nullopt;
}

// First of all: a process does not wait.
void Pipeline::respond_to_hits() {
  open_hits_.assign(hits_.size(), false);
  uint64_t left = options_.limit == 0 ? std::numeric_limits<uint64_t>::max() : options_.limit - summary_.hits;
  for (size_t i = 0; edges_.responder != nullptr && i < hits_.size() && left != 0; ++i) {
    Hit& hit = hits_[i];
    if (hit.fold) continue;
    --left;
    if (reacts(hit.rule->response)) open_hits_[i] = edges_.responder->respond(hit);
  }
  if (!std::exchange(completes_hits_, false)) return;
  const auto hit = std::find_if(hits_.begin(), hits_.end(), [](const Hit& one) { return !one.fold; });
  // The copy of the event that they share, which nobody else has yet.
  if (hit != hits_.end()) edges_.source.complete(*std::const_pointer_cast<Event>(hit->event));
}

void Pipeline::count(const Hit& hit) {
  const auto level = static_cast<size_t>(hit.rule->level);
  const int64_t time_ns = hit.event->time_ns;
  LevelTotal& total = summary_.levels[level];
  total.first_ns = total.hits == 0 ? time_ns : std::min(total.first_ns, time_ns);
  total.last_ns = total.hits == 0 ? time_ns : std::max(total.last_ns, time_ns);
  ++total.hits;
  ++summary_.hits;
  rules_hit_[level].insert(hit.rule.get());
}

void Pipeline::count_loss(const Event& event) {
  ++summary_.gaps;
  const FieldView lost = event.find_carried(field::kLost);
  if (lost.type != Type::kInteger || lost.number < 0) {
    ++summary_.uncounted_gaps;
    return;
  }
  if (__builtin_add_overflow(summary_.lost, static_cast<uint64_t>(lost.number), &summary_.lost)) {
    summary_.lost = std::numeric_limits<uint64_t>::max();
  }
}

// What is shown is stored: with a store hits wait for a batch, but not for long.
std::optional<Ending> Pipeline::show_when_due() {
  const int64_t now_ns = steady_clock_ns();
  if (to_store_.size() > kMaxToStore) return end_commit();
  if (is_committing()) return std::nullopt;
  const bool due = edges_.store == nullptr || edges_.store->batch_is_full() ||
                   to_store_.size() >= HitStore::kBatchHits || now_ns - shown_ns_ > kMaxWaitNs;
  if (!due) return std::nullopt;
  shown_ns_ = now_ns;
  return show_pending();
}

std::optional<Ending> Pipeline::show_pending() {
  if (edges_.store == nullptr) return show_committed(Status(), pending_);
  if (!committer_) return show_committed(edges_.store->commit(), pending_);
  if (is_committing()) return std::nullopt;
  for (const Hit& hit : to_store_) edges_.store->record(hit);
  to_store_.clear();
  committing_.swap(pending_);
  committer_->begin();
  return std::nullopt;
}

// Until nothing is on its way to the store.
std::optional<Ending> Pipeline::end_commit() {
  if (committer_) {
    if (const std::optional<Ending> ending = show_committed(committer_->wait(), committing_)) return ending;
  }
  if (const std::optional<Ending> ending = show_pending()) return ending;
  return committer_ ? show_committed(committer_->wait(), committing_) : std::nullopt;
}

// While a commit runs, nobody else touches the store; and news of a hit come behind it.
void Pipeline::keep(const Hit& hit) {
  if (committer_) {
    to_store_.push_back(hit);
  } else if (edges_.store != nullptr) {
    edges_.store->record(hit);
  }
}

std::optional<Ending> Pipeline::show_committed(const std::optional<Status>& status, std::vector<Hit>& hits) {
  if (!status) return std::nullopt;
  if (!*status) {
    error_ = status->error();
    hits.clear();
    return Ending::kStoreFailed;
  }
  if (!hits.empty()) {
    if (edges_.progress != nullptr) edges_.progress->hide();
    edges_.report.show_hits(hits);
    hits.clear();
  }
  edges_.output.flush();
  if (edges_.output.failed()) return Ending::kOutputFailed;
  return std::nullopt;
}

// Waits until an event is due; signals end the wait.
void Pipeline::keep_pace(const Event& event) {
  if (!pace_start_ns_) {
    pace_start_ns_ = steady_clock_ns();
    pace_first_event_ns_ = event.time_ns;
  }
  const double after_ns =
      (static_cast<double>(event.time_ns) - static_cast<double>(pace_first_event_ns_)) / options_.speed;
  while (!stop_requested()) {
    const double wait_ns = after_ns - static_cast<double>(steady_clock_ns() - *pace_start_ns_);
    if (wait_ns < 1e6) return;
    show_pending();
    const auto slice_ns = static_cast<int64_t>(std::min(wait_ns, 1e8));
    const timespec wait{.tv_sec = 0, .tv_nsec = slice_ns};
    nanosleep(&wait, nullptr);
    tell_progress();
  }
}

void Pipeline::tell_progress() {
  if (edges_.progress == nullptr) return;
  const SourceReport& read = edges_.source.report();
  edges_.progress->update(
      {.events = summary_.events, .bytes_read = read.bytes_read, .bytes_total = read.bytes_total},
      steady_clock_ns());
}

Summary Pipeline::summary() const {
  Summary summary = summary_;
  const SourceReport& read = edges_.source.report();
  summary.skipped = read.skipped;
  summary.hits_left_out = engine_.counters().hits_left_out;
  summary.inactive_rules = engine_.rules().inactive().size();
  summary.rules_digest = engine_.rules().digest();
  summary.hits_digest = engine_.hits_digest();
  const Engine::Counters counters = engine_.counters();
  summary.folded = counters.suppressor.folded;
  summary.evicted_groups = counters.correlator.evicted_groups;
  for (size_t i = 0; i < kLevelCount; ++i) summary.levels[i].rules = rules_hit_[i].size();
  return summary;
}

RunStatistics Pipeline::statistics() const {
  RunStatistics statistics = statistics_;
  for (const auto& worker : matchers_) statistics.terms_evaluated += worker.matcher.terms_evaluated();
  for (size_t i = 0; profile_ && i < engine_.rules().rules().size(); ++i) {
    statistics.ns_by_rule.push_back(profile_->mean_ns(i));
  }
  return statistics;
}

}  // namespace detectd
