// One sink's way: what waits for it is read in order, sent, and noted as told. What fails is tried again, later each
// time, until it is too old; what comes too fast is told as a number, but not what waited for a receiver that was down:
// that is told at the pace of the rate. All of it happens in turn(), which never waits but
// for the sink itself, and is given the time.
//
//   queue.read -> rate -> sink.deliver -> sink.settle -> queue.save
//                  `-> fold                 `- what failed: again from where the last settle() was
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/alerts/alert.h"
#include "src/alerts/rate_limit.h"
#include "src/alerts/schedule.h"
#include "src/alerts/sink.h"

namespace detectd {

// How far a sink is, and how it fares: kept in the database.
struct SinkState {
  int64_t since_ns = 0;
  int64_t settled_n = 0;
  uint64_t delivered = 0, folded = 0, refused = 0, expired = 0;
  std::optional<int64_t> delivered_ns, failing_since_ns;
  std::string failure;
  std::optional<int64_t> digest_ns;
};

// What waits for one sink. Used by its thread alone.
class AlertQueue {
 public:
  virtual ~AlertQueue() = default;

  struct Batch {
    std::vector<Alert> alerts;
    int64_t looked_to = 0;    // hits up to this number are in it, or not for this sink
    uint64_t taken_away = 0;  // by retention, before they were read
    bool more = false;
    bool waits = false;   // for news of the next one
    bool is_new = false;  // it was replaced: load() anew
  };
  virtual Result<SinkState> load() = 0;
  virtual Status save(const SinkState& state) = 0;
  virtual Result<Batch> read(int64_t after, size_t max, int64_t now_ns) = 0;
  // All hits behind `after` up to now as one; `n` is the last. Its `count` is how many.
  virtual Result<Alert> fold(int64_t after, int64_t now_ns) = 0;
  virtual Result<Alert> digest(int64_t begin_ns, int64_t end_ns) = 0;
  virtual Alert notice(AlertKind kind, Level level, const std::string& text, int64_t now_ns) = 0;
};

struct DeliveryOptions {
  std::string name;
  int64_t retry_for_ns = int64_t{24} * 3600 * 1'000'000'000;
  int64_t first_retry_ns = 1'000'000'000;
  int64_t last_retry_ns = int64_t{300} * 1'000'000'000;
  AlertRate rate = {};
  std::optional<Schedule::Options> digest = {};     // instead of each hit
  std::optional<Schedule::Options> heartbeat = {};  // beside them
  uint64_t seed = 0;                                // of the chance in retries
  // Hears what an operator should know, on the sink's thread.
  std::function<void(bool is_problem, const std::string& text)> tell = {};
};

class Delivery {
 public:
  static constexpr size_t kBatch = 64;
  // What may be under way without being settled.
  static constexpr size_t kMaxTaken = 500;
  static constexpr size_t kMaxNotices = 64;
  static constexpr int64_t kSettleNs = 1'000'000'000;
  // How long a receiver that is back may be told at its rate what waited for it; then the rest is folded.
  static constexpr int64_t kCatchUpNs = int64_t{60} * 1'000'000'000;

  Delivery(DeliveryOptions options, std::unique_ptr<Sink> sink, std::unique_ptr<AlertQueue> queue);

  struct Now {
    int64_t wall_ns = 0;
    int64_t steady_ns = 0;
  };
  // Does a piece of what there is to do: a batch at most. After how many nanoseconds there may be more, if nobody wakes it
  // before; 0: at once; nothing: when hits come.
  std::optional<int64_t> turn(const Now& now, const Interrupt& interrupt);
  // At the end: makes sure of what was taken.
  void finish(const Now& now, const Interrupt& interrupt);
  // Whether everything was told that could be.
  bool is_idle() const { return idle_; }
  bool is_failing() const { return failing_; }

  // From any thread: to be told before all hits, whatever the database does; forgotten when detectd ends.
  void add_notice(Level level, std::string text);
  Sink& sink() { return *sink_; }

  // From any thread.
  struct Status {
    std::string name;
    SinkState state;
    bool failing = false;
    bool sends_digests = false;
    std::string selftest = {};  // the id of the last hit of kSelftestRule that arrived
  };
  Status status() const;

 private:
  enum class Went : uint8_t { kOn, kStopped };

  bool load(const Now& now);
  bool expire(const Now& now);
  Went send(const Alert& alert, const Now& now, const Interrupt& interrupt);
  Went send_notices(const Now& now, const Interrupt& interrupt);
  Went send_digest(const Now& now, const Interrupt& interrupt);
  Went send_fold(const Now& now, const Interrupt& interrupt);
  Went send_hits(const Now& now, const Interrupt& interrupt);
  Went settle(const Now& now, const Interrupt& interrupt);
  void refill(const Now& now);
  bool catches_up(const Now& now) const;
  void advance(int64_t n);
  void note_delivered(uint64_t count, const Now& now);
  void note_selftest(std::string id);
  void note_refused(const std::string& why);
  void fail(const std::string& why, const Now& now, const Interrupt& interrupt);
  void save_if_due(const Now& now, bool at_once);
  void tell(bool is_problem, const std::string& text) const;
  std::optional<int64_t> next_wait(const Now& now) const;

  DeliveryOptions options_;
  std::unique_ptr<Sink> sink_;
  std::unique_ptr<AlertQueue> queue_;
  RateLimit rate_;
  std::optional<Schedule> digest_, heartbeat_;
  uint64_t chance_;

  bool loaded_ = false;
  SinkState state_;
  int64_t position_ = 0;  // up to here it is told, taken, or passed over
  int64_t looked_to_ = 0;
  std::deque<Alert> batch_;
  std::string taken_selftest_;  // as Status::selftest, but not settled
  uint64_t taken_ = 0;          // since the last settle(), and their first
  int64_t taken_since_ns_ = 0;
  bool more_ = false;
  bool waits_ = false;
  bool idle_ = false;
  std::atomic<bool> failing_{false};
  int failures_ = 0;
  int64_t retry_ns_ = 0;               // of the steady clock
  std::optional<int64_t> fold_at_ns_;  // the same
  int64_t pace_ns_ = 0;                // the same: when the next one may go
  int64_t catch_up_until_ns_ = 0;      // the same; 0: nothing waits that did before the receiver was back
  int64_t heartbeat_ns_ = 0;           // up to when it is told
  uint64_t expired_told_ = 0;
  bool refusal_told_ = false;
  bool queue_failure_told_ = false;
  bool dirty_ = false;
  int64_t saved_ns_ = 0;

  mutable std::mutex mutex_;
  std::deque<std::pair<Level, std::string>> notices_;
  SinkState shown_;
  std::string selftest_;
};

}  // namespace detectd
