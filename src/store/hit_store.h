// Where a run keeps its hits: a database, beside it a spill that takes them while the database can not.
//
//   record, record, ...   keep them in memory
//   commit                makes them stay: in the database, else in the spill. Only then are they shown.
//   tend                  between batches, for a program that keeps the database: what it needs to be kept well
//
// While the spill holds hits, each commit brings them back once the database can take them again. What is in
// the spill when the program ends is brought back by the next that opens the database.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/hit.h"
#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/store/database.h"
#include "src/store/history.h"
#include "src/store/hit_record.h"
#include "src/store/hit_writer.h"
#include "src/store/redaction.h"
#include "src/store/spill_file.h"
#include "src/store/upkeep.h"
#include "src/store/waiting_batches.h"
#include "src/worker_pool.h"

namespace detectd {

class HitStore {
 public:
  // What a batch may hold before it is to be committed.
  static constexpr size_t kBatchHits = 1000;
  static constexpr size_t kBatchBytes = size_t{16} << 20;

  struct Options {
    std::string path;
    std::string spill;  // empty: beside the database, and removed at the end if it holds nothing
    std::vector<std::string> redact;  // regular expressions
    // Is told what a person should know: hits go to the spill, they are back, the file was removed. May be empty.
    std::function<void(const Error&)> tell;
    WorkerPool* workers = nullptr;  // that help to make records of hits; must outlive the store

    // For a program that owns the database and must go on, whatever happens to it:
    // A damaged one is moved aside, to PATH.corrupt-TIME, and a new one begun.
    bool replace_damaged = false;
    // Where the spill takes no more either, the newest hits wait in so much memory, and commit() succeeds.
    size_t memory_bytes = 0;
    UpkeepOptions upkeep = {};
    // Whom the hits of runs with RunStart::alerts are told (outbox.h), and who hears that there are new ones in the
    // database, on the thread that commits; may be empty.
    std::vector<std::string> sinks = {};
    std::function<void()> stored = {};
  };
  struct Counters {
    uint64_t stored = 0;     // hits that stay, those in the spill included
    uint64_t waiting = 0;    // in the spill
    uint64_t in_memory = 0;  // only there; lost if the program ends
    uint64_t dropped = 0;    // from there, for want of room
    uint64_t pruned = 0;     // by tend()
  };

  // Creates the file (mode 0600) and the schema where they are missing. A file that is something else is left as
  // it is; the message begins with its code (database.h).
  static Result<std::unique_ptr<HitStore>> open(Options options);
  ~HitStore();
  HitStore(const HitStore&) = delete;
  HitStore& operator=(const HitStore&) = delete;

  // The run whose hits are recorded.
  struct Run {
    RunStart start;
    const RuleSet& rules;  // that may hit
    // The name of the capture that an Origin::file means; may be empty.
    std::function<const std::string&(uint32_t file)> name_of_file;
  };
  Status begin_run(Run run);
  // Within a run: these may hit from now on, and those of before no more but in what was recorded.
  void learn_rules(const RuleSet& rules);
  // A failure also says that hits wait in the spill.
  Status end_run(const RunEnd& end);

  // Those are told from now on, as Options::sinks.
  void use_sinks(std::vector<std::string> names);

  // Again with another Hit::response_outcome: that is news of the same hit.
  void record(const Hit& hit);
  // Of a hit of an earlier run, known by its time and id (32 hexadecimal digits); one that is not there stays so.
  // Committed at once.
  Status set_outcome(int64_t time_ns, std::string_view id, std::string_view outcome);
  // An event of the kind `lost`.
  void record_gap(const Event& event);
  bool batch_is_full() const { return batch_.size() >= kBatchHits || batch_bytes_ >= kBatchBytes; }

  // A failure means that neither database nor spill took the batch; it is then forgotten.
  Status commit();

  // To be called at least every five seconds, and not between record() and commit(). Notices a file that was removed or
  // replaced, brings back what waits, and takes old hits in small steps. Takes some milliseconds, unless the disk is slow.
  void tend();

  // What the program that owned the database before has seen (history.h).
  Result<std::vector<TermHistory>> load_history() const { return read_history(*database_); }
  // Behind the commit() of the hits that it is about: then a crash between the two repeats a hit, and misses none.
  Status save_history(std::span<const TermHistory> histories);

  Counters counters() const;
  bool disk_is_low() const { return upkeep_.disk_is_low(); }
  // Hits go elsewhere, for want of room.
  bool disk_is_full() const { return degraded_ && is_full_; }

 private:
  explicit HitStore(Options options);
  void make_record(const Hit& hit, LineageJson& lineages, HitRecord& record) const;
  void make_records();
  Status write_hits(int64_t stored_ns);
  Status open_database();
  Status open_or_replace();
  Status replace_if_damaged(const Error& reason);
  Status open_spill();
  Status keep_batch(bool patient);
  Status write_batch();
  Status write_rows(int64_t stored_ns);
  Status write_or_make_room();
  Status write_anew_if_damaged(Status status);
  Status import_spill();
  Status import_memory();
  Status import_entry(const SpillFile::Entry& entry, int64_t stored_ns);
  Status commit_to_database(bool patient);
  Status commit_to_spill(const Error& reason);
  WaitingBatches::Batch pack_batch();
  Status commit_to_memory(const Error& reason);
  void tell_of_return();
  Status follow_file();
  void register_new_sinks();
  std::shared_ptr<const RuleRecord> rule_record(const std::shared_ptr<const Rule>& rule);
  void forget_batch();
  void tell(Errc code, std::string message) const;

  Options options_;
  Redaction redaction_;
  std::unique_ptr<Database> database_;
  std::optional<HitWriter> writer_;
  std::optional<SpillFile> spill_;
  std::optional<Error> spill_error_;  // why there is none

  struct KnownRule {
    std::shared_ptr<const Rule> rule;  // kept, so that no other takes its address
    std::shared_ptr<const RuleRecord> record;
  };
  std::unordered_map<const Rule*, KnownRule> rules_;
  std::function<const std::string&(uint32_t)> name_of_file_;
  std::optional<RunStart> run_;
  std::optional<RunEnd> run_end_;
  bool run_is_kept_ = false;     // in a database or a spill: it is to be continued there
  bool run_is_known_ = false;    // to the writer
  bool run_is_spilled_ = false;  // in the spill as it is now

  std::vector<Hit> batch_;
  size_t batch_bytes_ = 0;
  // Of the batch, once they are made: the first batch_.size(). Used again, for their buffers.
  std::vector<HitRecord> records_;
  bool records_are_made_ = false;
  std::vector<LineageJson> lineages_;  // by worker
  bool batch_is_durable_ = false;
  std::vector<GapRecord> gaps_;

  WaitingBatches memory_;
  Upkeep upkeep_;
  bool sinks_are_known_ = true;  // to the database
  bool degraded_ = false;
  bool is_full_ = false;         // the last failure was for want of room
  bool memory_is_used_ = false;  // and that was told
  bool dropping_ = false;        // the same
  uint64_t told_dropped_ = 0;
  int64_t next_try_ns_ = 0;  // of the steady clock
  uint64_t stored_ = 0;
};

}  // namespace detectd
