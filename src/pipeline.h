// The loop: events from a source, through the engine, to the report, the store and a capture.
//
//   source.next  ->  engine.observe  ->  engine.match  ->  engine.conclude  ->  report, store,
//   (a chunk)        (in order)          (all workers)     (in order)              capture
//
// The result does not depend on chunks or workers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "src/committer.h"
#include "src/event_sink.h"
#include "src/hit_responder.h"
#include "src/report/output.h"
#include "src/report/progress.h"
#include "src/report/report.h"
#include "src/rule_profile.h"
#include "src/slow_events.h"
#include "src/sources/event_source.h"
#include "src/store/hit_store.h"
#include "src/turn_times.h"
#include "src/worker_pool.h"

namespace detectd {

enum class Ending : uint8_t { kEndOfStream, kInputFailed, kStoreFailed, kOutputFailed, kLimit, kStopped };
// `end`, `input`, `store`, `output`, `limit`, `stopped`.
std::string_view to_string(Ending ending);

// Where a run's time went, and what it saw.
struct RunStatistics {
  int64_t read_ns = 0;  // reading, decompressing, decoding, ordering
  int64_t observe_ns = 0;
  int64_t match_ns = 0;
  int64_t conclude_ns = 0;  // hits, report and store included
  std::array<uint64_t, kEventKindCount> events_by_kind{};
  std::vector<uint64_t> hits_by_rule;  // as RuleSet::rules(), shown or not
  std::vector<double> ns_by_rule;      // with Options::profile: RuleProfile::mean_ns
  uint64_t terms_evaluated = 0;
};

class Pipeline {
 public:
  struct Options {
    uint64_t limit = 0;  // hits; 0: none
    double speed = 0;    // times real time; 0: as fast as it goes
    bool profile = false;
    int64_t slow_event_ns = 0;  // events that take longer to judge are counted; 0: not
    // The source itself ends when a stop is requested, and what it still gives then is judged.
    bool source_ends_on_stop = false;
    std::function<void()> on_turn = {};  // called between two chunks; may be empty
    // A thread of its own commits, so that judging does not wait for a disk. Then on_turn is not called meanwhile.
    bool commit_aside = false;
    // Events are matched by all threads where that takes so long for each, divided among the others; else by the one that
    // observed them. An event that another thread looks at costs some microseconds for what it has in caches.
    int64_t share_above_ns = 1000;
  };
  // `store`, `capture`, `progress` and `responder` may be null. All must outlive the pipeline.
  struct Edges {
    EventSource& source;
    Report& report;
    Output& output;
    WorkerPool& workers;
    HitStore* store = nullptr;
    EventSink* capture = nullptr;
    ProgressBar* progress = nullptr;
    HitResponder* responder = nullptr;
  };

  Pipeline(Engine& engine, Edges edges, Options options);

  // Until the stream ends, or something ends it; what was read until then is judged and shown.
  Ending run();

  // Between two chunks: other rules from now on (Engine::reload), and Options::commit_aside where they need it; what
  // was begun aside stays so.
  void reload(std::shared_ptr<const RuleSet> rules, bool commit_aside);
  bool commits_aside() const { return committer_.has_value(); }
  // Between two chunks: stores and shows the hits so far. False where that ends the run.
  bool commit();

  // Of the run: what the source knows is added.
  Summary summary() const;
  const SlowEvents& slow_events() const { return slow_events_; }
  // The slowest from now on.
  void forget_slowest() { slow_events_.slowest_ns = 0; }
  RunStatistics statistics() const;
  // Of those in which something came: from when it had come to when all was done with it.
  const TurnTimes& turn_times() const { return turn_times_; }
  // Why it ended with kInputFailed or kStoreFailed.
  const std::optional<Error>& error() const { return error_; }

 private:
  void begin_aside();
  void make_matchers();

  // What threads write to all the time, side by side, is kept two cache lines apart, as processors fetch them.
  static constexpr size_t kApart = 128;
  struct alignas(kApart) WorkerMatcher {
    explicit WorkerMatcher(const RuleSet& rules) : matcher(rules) {}
    Matcher matcher;
  };
  // What the matching of a slice of a chunk found, for conclude().
  struct alignas(kApart) Slice {
    std::vector<uint32_t> held;
    std::vector<size_t> ends;  // by event: where its rules end in `held`
    SlowEvents slow;
    int64_t took_ns = 0;
  };

  std::optional<Ending> read_chunk();
  void observe();
  std::optional<Ending> judge();
  std::optional<Ending> settle(const Moment& moment);
  void match();
  void match_slice(size_t number, Matcher& matcher);
  std::optional<Ending> conclude();
  std::optional<Ending> conclude(const Event& event, std::span<const uint32_t> held);
  bool responds(std::span<const uint32_t> held) const;
  std::optional<Ending> take_hits();
  void respond_to_hits();
  void settle_responses(bool last);
  std::optional<Ending> finish();
  void count(const Hit& hit);
  void count_loss(const Event& event);
  std::optional<Ending> show_when_due();
  std::optional<Ending> show_pending();
  std::optional<Ending> show_committed(const std::optional<Status>& status, std::vector<Hit>& hits);
  std::optional<Ending> end_commit();
  bool is_committing() const { return committer_ && committer_->busy(); }
  void keep(const Hit& hit);
  void keep_pace(const Event& event);
  void tell_progress();

  Engine& engine_;
  Edges edges_;
  Options options_;

  std::vector<Event> chunk_;
  std::vector<Event> ready_;
  std::vector<Slice> slices_;
  int64_t match_cost_ns_ = 0;            // of an event, in the chunk before
  std::vector<WorkerMatcher> matchers_;  // by worker
  std::vector<Hit> hits_;                // of one event
  std::vector<bool> open_hits_;          // of them, those whose response has no outcome yet
  bool completes_hits_ = false;          // their event is to be completed behind the responses
  std::vector<Hit> pending_;             // to be shown, once they are stored
  HitResponder::News news_;
  std::optional<Committer> committer_;
  std::vector<Hit> committing_;  // to be shown when the commit that runs has ended
  std::vector<Hit> to_store_;    // to be recorded behind it
  int64_t shown_ns_ = 0;         // of the steady clock
  Summary summary_;
  std::array<std::set<const Rule*>, kLevelCount> rules_hit_;
  RunStatistics statistics_;
  SlowEvents slow_events_;
  TurnTimes turn_times_;
  std::optional<Ending> failed_;  // of commit()
  std::optional<RuleProfile> profile_;
  std::optional<Error> error_;
  std::optional<int64_t> pace_start_ns_;
  int64_t pace_first_event_ns_ = 0;
};

}  // namespace detectd
