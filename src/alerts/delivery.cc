#include "src/alerts/delivery.h"

#include <algorithm>
#include <utility>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kQueueRetryNs = kSecondNs;
constexpr int64_t kNewsNs = kSecondNs / 2;
constexpr int64_t kLongestFoldNs = 60 * kSecondNs;
constexpr int64_t kLongestWaitNs = 30 * kSecondNs;
constexpr size_t kMaxFailureBytes = 300;

std::string hits(uint64_t count) { return std::to_string(count) + (count == 1 ? " hit" : " hits"); }

}  // namespace

Delivery::Delivery(DeliveryOptions options, std::unique_ptr<Sink> sink, std::unique_ptr<AlertQueue> queue)
    : options_(std::move(options)),
      sink_(std::move(sink)),
      queue_(std::move(queue)),
      rate_(options_.rate),
      chance_(options_.seed | 1) {
  if (options_.digest) digest_.emplace(*options_.digest);
  if (options_.heartbeat) heartbeat_.emplace(*options_.heartbeat);
}

void Delivery::tell(bool is_problem, const std::string& text) const {
  if (options_.tell) options_.tell(is_problem, "alerts to " + options_.name + ": " + text);
}

bool Delivery::load(const Now& now) {
  if (loaded_) return true;
  Result<SinkState> state = queue_->load();
  if (!state) {
    if (!std::exchange(queue_failure_told_, true)) tell(true, state.error().message + "; they wait");
    return false;
  }
  queue_failure_told_ = false;
  loaded_ = true;
  state_ = *std::move(state);
  position_ = looked_to_ = state_.settled_n;
  failing_ = state_.failing_since_ns.has_value();
  if (digest_ && !state_.digest_ns) state_.digest_ns = state_.since_ns;
  if (heartbeat_ns_ == 0) heartbeat_ns_ = now.wall_ns;
  return true;
}

std::optional<int64_t> Delivery::turn(const Now& now, const Interrupt& interrupt) {
  idle_ = false;
  if (retry_ns_ > now.steady_ns) {
    idle_ = true;
    return next_wait(now);
  }
  // First what needs no database.
  if (send_notices(now, interrupt) == Went::kStopped) return next_wait(now);
  if (!load(now)) return kQueueRetryNs;
  if (send_digest(now, interrupt) == Went::kStopped) return next_wait(now);
  if (!digest_) {
    if (send_fold(now, interrupt) == Went::kStopped) return next_wait(now);
    if (!fold_at_ns_ && send_hits(now, interrupt) == Went::kStopped) return next_wait(now);
  }
  if (digest_) idle_ = true;
  const bool settles =
      taken_ != 0 &&
      (taken_ >= kMaxTaken || (batch_.empty() && !more_ && now.steady_ns - taken_since_ns_ >= kSettleNs));
  if (settles && settle(now, interrupt) == Went::kStopped) return next_wait(now);
  save_if_due(now, false);
  return next_wait(now);
}

void Delivery::finish(const Now& now, const Interrupt& interrupt) {
  if (!loaded_) return;
  if (taken_ != 0) settle(now, interrupt);
  save_if_due(now, true);
}

std::optional<int64_t> Delivery::next_wait(const Now& now) const {
  std::optional<int64_t> wait;
  const auto at_most = [&wait](int64_t ns) { wait = std::min(wait.value_or(ns), std::max<int64_t>(ns, 0)); };
  if (retry_ns_ > now.steady_ns) return retry_ns_ - now.steady_ns;
  if (!batch_.empty() || more_) at_most(fold_at_ns_.value_or(pace_ns_) - now.steady_ns);
  if (waits_) at_most(kNewsNs);
  if (taken_ != 0) at_most(taken_since_ns_ + kSettleNs - now.steady_ns);
  if (dirty_) at_most(saved_ns_ + kSecondNs - now.steady_ns);
  // Who waits does not notice that the host slept, or that the clock was set.
  if (digest_ && state_.digest_ns)
    at_most(std::min(digest_->next(*state_.digest_ns) - now.wall_ns, kLongestWaitNs));
  if (heartbeat_) at_most(std::min(heartbeat_->next(heartbeat_ns_) - now.wall_ns, kLongestWaitNs));
  return wait;
}

void Delivery::add_notice(Level level, std::string text) {
  const std::lock_guard lock(mutex_);
  if (notices_.size() == kMaxNotices) notices_.pop_front();
  notices_.emplace_back(level, std::move(text));
}

Delivery::Went Delivery::send_notices(const Now& now, const Interrupt& interrupt) {
  while (true) {
    std::pair<Level, std::string> notice;
    {
      const std::lock_guard lock(mutex_);
      if (notices_.empty()) break;
      notice = notices_.front();
    }
    if (send(queue_->notice(AlertKind::kNotice, notice.first, notice.second, now.wall_ns), now, interrupt) ==
        Went::kStopped) {
      return Went::kStopped;
    }
    const std::lock_guard lock(mutex_);
    if (!notices_.empty() && notices_.front() == notice) notices_.pop_front();
  }
  if (!heartbeat_ || heartbeat_ns_ == 0 || !heartbeat_->due(heartbeat_ns_, now.wall_ns)) return Went::kOn;
  heartbeat_ns_ = now.wall_ns;
  return send(queue_->notice(AlertKind::kHeartbeat, Level::kInformational, "detectd watches", now.wall_ns),
              now, interrupt);
}

Delivery::Went Delivery::send_digest(const Now& now, const Interrupt& interrupt) {
  if (!digest_) return Went::kOn;
  const std::optional<int64_t> due_ns = digest_->due(*state_.digest_ns, now.wall_ns);
  if (!due_ns) return Went::kOn;
  const Result<Alert> alert = queue_->digest(*state_.digest_ns, *due_ns);
  if (!alert) {
    fail(alert.error().message, now, interrupt);
    return Went::kStopped;
  }
  if (send(*alert, now, interrupt) == Went::kStopped) return Went::kStopped;
  if (settle(now, interrupt) == Went::kStopped) return Went::kStopped;
  state_.digest_ns = *due_ns;
  state_.settled_n = std::max(state_.settled_n, alert->n);
  save_if_due(now, true);
  return Went::kOn;
}

Delivery::Went Delivery::send_fold(const Now& now, const Interrupt& interrupt) {
  if (!fold_at_ns_ || *fold_at_ns_ > now.steady_ns) return Went::kOn;
  // It takes the place of an alert.
  if (!rate_.take(now.steady_ns)) {
    fold_at_ns_ = now.steady_ns + rate_.wait_ns();
    return Went::kOn;
  }
  const Result<Alert> alert = queue_->fold(position_, now.wall_ns);
  if (!alert) {
    fail(alert.error().message, now, interrupt);
    return Went::kStopped;
  }
  if (alert->count != 0) {
    if (send(*alert, now, interrupt) == Went::kStopped || settle(now, interrupt) == Went::kStopped)
      return Went::kStopped;
    state_.folded += alert->count;
  }
  batch_.clear();
  more_ = true;
  looked_to_ = alert->n;
  advance(alert->n);
  fold_at_ns_.reset();
  return Went::kOn;
}

void Delivery::refill(const Now& now) {
  Result<AlertQueue::Batch> read = queue_->read(looked_to_, kBatch, now.wall_ns);
  more_ = waits_ = false;
  if (!read) {
    if (!std::exchange(queue_failure_told_, true)) tell(true, read.error().message + "; they wait");
    waits_ = true;
    return;
  }
  queue_failure_told_ = false;
  if (read->is_new) {
    loaded_ = false;
    taken_ = 0;
    waits_ = true;
    return;
  }
  if (read->taken_away != 0) {
    state_.expired += read->taken_away;
    tell(true, "up to " + hits(read->taken_away) + " were not told before the database gave them up");
    dirty_ = true;
  }
  looked_to_ = read->looked_to;
  more_ = read->more;
  waits_ = read->waits;
  for (Alert& alert : read->alerts) batch_.push_back(std::move(alert));
  if (batch_.empty()) advance(looked_to_);
}

// Up to `n` there is nothing more to do, but for what was taken.
void Delivery::advance(int64_t n) {
  if (n == position_) return;
  position_ = n;
  dirty_ = true;
  if (taken_ == 0) state_.settled_n = n;
}

bool Delivery::expire(const Now& now) {
  if (!failing_ || !state_.failing_since_ns || batch_.empty()) return false;
  const Alert& alert = batch_.front();
  if (now.wall_ns - alert.stored_ns <= options_.retry_for_ns) return false;
  ++state_.expired;
  if (expired_told_++ == 0)
    tell(true, "hits are too old to be told (retry_for): they are in the database, the first is " + alert.id);
  advance(alert.n);
  batch_.pop_front();
  return true;
}

// Whether what is next did not come too fast, but waited for the receiver.
bool Delivery::catches_up(const Now& now) const { return failing_ || now.steady_ns < catch_up_until_ns_; }

Delivery::Went Delivery::send_hits(const Now& now, const Interrupt& interrupt) {
  if (batch_.empty()) refill(now);
  if (!loaded_) return Went::kOn;
  while (!batch_.empty()) {
    if (expire(now)) continue;
    if (!rate_.take(now.steady_ns)) {
      if (catches_up(now)) {
        pace_ns_ = now.steady_ns + rate_.wait_ns();
      } else {
        fold_at_ns_ =
            now.steady_ns + std::max(rate_.wait_ns(), std::min(options_.rate.period_ns, kLongestFoldNs));
      }
      return Went::kOn;
    }
    const int64_t n = batch_.front().n;
    if (send(batch_.front(), now, interrupt) == Went::kStopped) return Went::kStopped;
    advance(n);
    batch_.pop_front();
    if (taken_ >= kMaxTaken) break;
  }
  if (batch_.empty() && !more_) {
    advance(looked_to_);
    if (!failing_) catch_up_until_ns_ = 0;
  }
  idle_ = batch_.empty() && !more_ && !waits_;
  return Went::kOn;
}

Delivery::Went Delivery::send(const Alert& alert, const Now& now, const Interrupt& interrupt) {
  const Delivered delivered = sink_->deliver(alert, interrupt);
  switch (delivered.what) {
    case Delivered::What::kDelivered:
      note_delivered(1, now);
      if (alert.rule_name == kSelftestRule) note_selftest(alert.id);
      return Went::kOn;
    case Delivered::What::kTaken:
      if (alert.rule_name == kSelftestRule) taken_selftest_ = alert.id;
      if (taken_++ == 0) taken_since_ns_ = now.steady_ns;
      return Went::kOn;
    case Delivered::What::kRefused: note_refused(delivered.why); return Went::kOn;
    case Delivered::What::kAgain: break;
  }
  fail(delivered.why, now, interrupt);
  return Went::kStopped;
}

Delivery::Went Delivery::settle(const Now& now, const Interrupt& interrupt) {
  if (taken_ == 0) return Went::kOn;
  const Delivered settled = sink_->settle(interrupt);
  if (settled.what == Delivered::What::kAgain) {
    fail(settled.why, now, interrupt);
    return Went::kStopped;
  }
  note_delivered(std::exchange(taken_, 0), now);
  if (!taken_selftest_.empty()) note_selftest(std::exchange(taken_selftest_, {}));
  state_.settled_n = std::max(state_.settled_n, position_);
  save_if_due(now, true);
  return Went::kOn;
}

void Delivery::note_delivered(uint64_t count, const Now& now) {
  state_.delivered += count;
  state_.delivered_ns = now.wall_ns;
  dirty_ = true;
  failures_ = 0;
  if (!failing_.exchange(false)) return;
  catch_up_until_ns_ = now.steady_ns + kCatchUpNs;
  state_.failing_since_ns.reset();
  state_.failure.clear();
  std::string text = "they arrive again";
  if (const uint64_t lost = std::exchange(expired_told_, 0); lost != 0) {
    text += "; " + hits(lost) + " were too old by then";
    add_notice(Level::kHigh, hits(lost) + " could not be told in time; they are in the database");
  }
  tell(false, text);
}

void Delivery::note_selftest(std::string id) {
  const std::lock_guard lock(mutex_);
  selftest_ = std::move(id);
}

void Delivery::note_refused(const std::string& why) {
  ++state_.refused;
  dirty_ = true;
  if (!std::exchange(refusal_told_, true)) tell(true, "one was refused for good: " + why);
}

// What was taken and not settled may not have arrived: all of it again.
void Delivery::fail(const std::string& why, const Now& now, const Interrupt& interrupt) {
  taken_ = 0;
  taken_selftest_.clear();
  batch_.clear();
  more_ = true;
  position_ = looked_to_ = state_.settled_n;
  // At our end nothing is wrong with the receiver.
  if (interrupt.raised()) {
    retry_ns_ = now.steady_ns + kSecondNs;
    return;
  }
  const int64_t wait_ns =
      std::min(options_.last_retry_ns, options_.first_retry_ns << std::min(failures_, 20));
  failures_ = std::min(failures_ + 1, 20);
  // Not all who wait for the same receiver at once.
  chance_ = chance_ * 6364136223846793005U + 1442695040888963407U;
  retry_ns_ = now.steady_ns + wait_ns / 2 +
              static_cast<int64_t>((chance_ >> 33) % static_cast<uint64_t>(wait_ns / 2 + 1));
  state_.failure = escape_text(std::string_view(why).substr(0, kMaxFailureBytes));
  dirty_ = true;
  if (!failing_.exchange(true) || !state_.failing_since_ns) {
    state_.failing_since_ns = now.wall_ns;
    tell(true, why + "; they wait, and are tried again");
  }
  save_if_due(now, true);
}

void Delivery::save_if_due(const Now& now, bool at_once) {
  {
    const std::lock_guard lock(mutex_);
    shown_ = state_;
  }
  if (!dirty_ || !loaded_ || (!at_once && now.steady_ns - saved_ns_ < kSecondNs)) return;
  saved_ns_ = now.steady_ns;
  // Where it can not be noted it is told once more after a restart; that is all.
  if (queue_->save(state_)) dirty_ = false;
}

Delivery::Status Delivery::status() const {
  const std::lock_guard lock(mutex_);
  return {.name = options_.name,
          .state = shown_,
          .failing = failing_,
          .sends_digests = options_.digest.has_value(),
          .selftest = selftest_};
}

}  // namespace detectd
