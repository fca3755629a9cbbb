#include "src/store/hit_store.h"

#include <algorithm>
#include <utility>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/store/outbox.h"
#include "src/store/rescue.h"
#include "src/store/retention.h"
#include "src/store/run_codec.h"
#include "src/store/schema.h"

namespace detectd {
namespace {

constexpr int64_t kRetryNs = kNanosPerSecond;
constexpr int kPatientMs = 2000;
constexpr size_t kSliceHits = 50;
// Of retention, between batches.
constexpr int kTendSteps = 8;
// About what a record needs besides its event.
constexpr size_t kRecordBytes = 2000;

std::string with_number(uint64_t number, std::string_view noun) {
  return std::to_string(number) + " " + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace

HitStore::HitStore(Options options)
    : options_(std::move(options)),
      lineages_(options_.workers != nullptr ? options_.workers->size() : 1),
      memory_(options_.memory_bytes),
      upkeep_(options_.upkeep, [this](Errc code, std::string message) { tell(code, std::move(message)); }) {}

Result<std::unique_ptr<HitStore>> HitStore::open(Options options) {
  Result<Redaction> redaction = Redaction::compile(options.redact);
  if (!redaction) return std::move(redaction.error()).within("redact");
  std::unique_ptr<HitStore> store(new HitStore(std::move(options)));
  store->redaction_ = std::move(*redaction);
  if (Status status = store->open_or_replace(); !status) return std::move(status).error();
  if (Status status = store->open_spill(); !status) return std::move(status).error();
  return store;
}

HitStore::~HitStore() {
  if (spill_ && spill_->empty() && options_.spill.empty()) spill_->remove();
}

Status HitStore::open_database() {
  writer_.reset();
  database_.reset();
  Result<Database> opened = Database::open(options_.path, Database::Access::kCreate);
  if (!opened) return std::move(opened).error();
  database_ = std::make_unique<Database>(std::move(*opened));
  Status status = prepare_to_write(*database_);
  if (status) status = register_sinks(*database_, options_.sinks, wall_clock_ns());
  if (status) {
    Result<HitWriter> writer = HitWriter::open(*database_);
    if (writer) {
      writer_.emplace(std::move(*writer));
    } else {
      status = std::move(writer).error();
    }
  }
  run_is_known_ = false;
  if (!status) database_.reset();
  return status;
}

Status HitStore::open_or_replace() {
  Status status = open_database();
  return status ? status : replace_if_damaged(status.error());
}

Status HitStore::replace_if_damaged(const Error& reason) {
  const bool is_database = code_of(reason) == "D401";
  if (!options_.replace_damaged || (!is_database && code_of(reason) != "D400")) return reason;
  writer_.reset();
  database_.reset();
  const Result<std::string> aside = move_aside(options_.path, is_database, wall_clock_ns());
  if (!aside) return Error{reason.code, reason.message + "; " + aside.error().message};
  Status status = open_database();
  if (status) {
    tell(reason.code, reason.message + "; it is " + escape_text(*aside) +
                          " now, and a new one is begun: `detectctl db salvage NEW --db " +
                          escape_text(*aside) + "` copies what can still be read");
  }
  return status;
}

Status HitStore::open_spill() {
  const std::string path = options_.spill.empty() ? spill_path_of(options_.path) : options_.spill;
  Result<SpillFile> spill = SpillFile::open(path);
  if (!spill) {
    // Another run into the same database has it: this one does without.
    spill_error_ = std::move(spill).error();
    return {};
  }
  spill_.emplace(std::move(*spill));
  if (spill_->empty()) return {};
  const uint64_t hits = spill_->hits();
  if (Status status = import_spill(); !status) return status;
  tell(Errc::kSystem, with_number(hits, "hit") + " that waited in " + escape_text(path) + " " +
                          (hits == 1 ? "is" : "are") + " in the database now");
  return {};
}

void HitStore::tell(Errc code, std::string message) const {
  if (options_.tell) options_.tell({code, std::move(message)});
}

Status HitStore::begin_run(Run run) {
  run_ = std::move(run.start);
  name_of_file_ = std::move(run.name_of_file);
  run_is_kept_ = run_is_known_ = run_is_spilled_ = false;
  rules_.clear();
  learn_rules(run.rules);
  return keep_batch(true);
}

void HitStore::use_sinks(std::vector<std::string> names) {
  options_.sinks = std::move(names);
  sinks_are_known_ = false;
  register_new_sinks();
}

// Where the database can not take it now, tend() tries again.
void HitStore::register_new_sinks() {
  if (sinks_are_known_ || database_ == nullptr || degraded_) return;
  sinks_are_known_ = bool(register_sinks(*database_, options_.sinks, wall_clock_ns()));
}

void HitStore::learn_rules(const RuleSet& rules) {
  // What nobody refers to any more can not hit again.
  std::erase_if(rules_, [](const auto& known) { return known.second.rule.use_count() == 1; });
  const auto learn = [this](const std::shared_ptr<const Rule>& rule, const Sha256& digest) {
    auto record = std::make_shared<const RuleRecord>(make_rule_record(*rule, hex(digest)));
    rules_.insert_or_assign(rule.get(), KnownRule{rule, std::move(record)});
  };
  for (const CompiledRule& rule : rules.rules()) learn(rule.rule, rule.digest);
  for (const CompiledCorrelation& correlation : rules.correlations()) {
    learn(correlation.rule, correlation.digest);
  }
}

std::shared_ptr<const RuleRecord> HitStore::rule_record(const std::shared_ptr<const Rule>& rule) {
  KnownRule& known = rules_[rule.get()];
  if (known.record == nullptr) {
    known = {rule, std::make_shared<const RuleRecord>(make_rule_record(*rule, {}))};
  }
  return known.record;
}

void HitStore::record(const Hit& hit) {
  batch_.push_back(hit);
  batch_bytes_ += hit.event->raw().size() + kRecordBytes;
  // What was done to a process must survive a power cut.
  batch_is_durable_ |= !hit.response_outcome.empty();
}

void HitStore::make_record(const Hit& hit, LineageJson& lineages, HitRecord& record) const {
  std::string_view file;
  if (hit.event->origin.line != 0 && name_of_file_) file = name_of_file_(hit.event->origin.file);
  make_hit_record(hit, {.redaction = redaction_, .lineages = lineages, .capture_file = file}, record);
}

void HitStore::make_records() {
  if (std::exchange(records_are_made_, true)) return;
  if (records_.size() < batch_.size()) records_.resize(batch_.size());
  for (size_t i = 0; i < batch_.size(); ++i) records_[i].rule = rule_record(batch_[i].rule);
  const auto make = [this](size_t number, size_t worker) {
    const size_t end = std::min((number + 1) * kSliceHits, batch_.size());
    for (size_t i = number * kSliceHits; i < end; ++i) make_record(batch_[i], lineages_[worker], records_[i]);
  };
  const size_t slices = (batch_.size() + kSliceHits - 1) / kSliceHits;
  if (options_.workers != nullptr) return options_.workers->run(slices, make);
  for (size_t i = 0; i < slices; ++i) make(i, 0);
}

Status HitStore::write_hits(int64_t stored_ns) {
  if (lineages_.size() > 1) make_records();
  if (!records_are_made_ && records_.empty()) records_.resize(1);
  for (size_t i = 0; i < batch_.size(); ++i) {
    // Made one by one a record is still in the processor's cache when it is written.
    HitRecord& record = records_[records_are_made_ ? i : 0];
    if (!records_are_made_) {
      record.rule = rule_record(batch_[i].rule);
      make_record(batch_[i], lineages_[0], record);
    }
    if (Status status = writer_->record(record, stored_ns); !status) return status;
  }
  return {};
}

void HitStore::record_gap(const Event& event) { gaps_.push_back(make_gap_record(event, redaction_)); }

Status HitStore::set_outcome(int64_t time_ns, std::string_view id, std::string_view outcome) {
  if (database_ == nullptr || !writer_) return Error{Errc::kSystem, "the database takes nothing at present"};
  return writer_->set_outcome(time_ns, id, outcome);
}

void HitStore::forget_batch() {
  // A batch of huge events must not keep its memory.
  if (batch_bytes_ > kBatchBytes) records_.clear();
  records_are_made_ = false;
  for (LineageJson& lineages : lineages_) lineages.clear();
  batch_.clear();
  batch_bytes_ = 0;
  batch_is_durable_ = false;
  gaps_.clear();
}

HitStore::Counters HitStore::counters() const {
  return {.stored = stored_,
          .waiting = spill_ ? spill_->hits() : 0,
          .in_memory = memory_.hits(),
          .dropped = memory_.dropped(),
          .pruned = upkeep_.pruned()};
}

Status HitStore::commit() {
  if (batch_.empty() && gaps_.empty()) return {};
  return keep_batch(!degraded_);
}

Status HitStore::keep_batch(bool patient) {
  Status status;
  if (!patient && steady_clock_ns() < next_try_ns_) {
    status = commit_to_spill({});
  } else if (Status committed = commit_to_database(patient); !committed) {
    status = commit_to_spill(committed.error());
  }
  if (status) {
    stored_ += batch_.size();
  } else {
    status = commit_to_memory(status.error());
  }
  if (status) run_is_kept_ = run_.has_value();
  // As many old hits go as new ones come, and some more.
  const auto steps = static_cast<int>(batch_.size() * 3 / (2 * static_cast<size_t>(Retention::kHitsAStep)));
  forget_batch();
  if (steps != 0 && !degraded_) upkeep_.run(*database_, wall_clock_ns(), steps);
  return status;
}

Status HitStore::commit_to_database(bool patient) {
  Status status = follow_file();
  if (status) {
    database_->set_busy_timeout_ms(patient ? kPatientMs : 0);
    status = write_anew_if_damaged(write_or_make_room());
  }
  // Removed meanwhile: what was written is in a file without a name.
  if (status && database_->is_gone()) {
    status = follow_file();
    if (status) status = write_or_make_room();
  }
  if (!status) {
    is_full_ = status.error().code == Errc::kFull;
    next_try_ns_ = steady_clock_ns() + kRetryNs;
    return status;
  }
  if (std::exchange(degraded_, false)) tell_of_return();
  if (options_.stored) options_.stored();
  return {};
}

void HitStore::tell_of_return() {
  memory_is_used_ = dropping_ = false;
  const uint64_t dropped = memory_.dropped() - std::exchange(told_dropped_, memory_.dropped());
  const std::string missing = dropped == 0 ? "none of them is missing"
                              : dropped == 1
                                  ? "1 hit that waited in memory is lost"
                                  : with_number(dropped, "hit") + " that waited in memory are lost";
  tell(Errc::kSystem, escape_text(options_.path) + " takes hits again; " + missing);
}

Status HitStore::write_anew_if_damaged(Status status) {
  if (status) return status;
  if (Status replaced = replace_if_damaged(status.error()); !replaced) return replaced;
  return write_batch();
}

// The log may hold pages that the file could take, and does so only when asked.
Status HitStore::write_or_make_room() {
  Status status = write_batch();
  if (status || status.error().code != Errc::kFull) return status;
  if (!database_->execute("PRAGMA wal_checkpoint(TRUNCATE)")) return status;
  return write_batch();
}

Status HitStore::write_batch() {
  if (spill_ && !spill_->empty()) {
    if (Status status = import_spill(); !status) return status;
  }
  if (memory_.hits() != 0) {
    if (Status status = import_memory(); !status) return status;
  }
  if (batch_is_durable_) {
    if (Status status = writer_->set_durable(true); !status) return status;
  }
  Status status = writer_->begin();
  if (status) {
    status = write_rows(wall_clock_ns());
    if (status) status = writer_->commit();
    if (!status) writer_->roll_back();
    run_is_known_ = run_is_known_ || (status && run_);
  }
  if (batch_is_durable_) {
    if (Status back = writer_->set_durable(false); status && !back) return back;
  }
  return status;
}

Status HitStore::write_rows(int64_t stored_ns) {
  if (run_ && !run_is_known_) {
    if (Status status = run_is_kept_ ? writer_->continue_run(*run_) : writer_->begin_run(*run_); !status) {
      return status;
    }
  }
  if (Status status = write_hits(stored_ns); !status) return status;
  for (const GapRecord& gap : gaps_) {
    if (Status status = writer_->record(gap); !status) return status;
  }
  if (run_end_) {
    if (Status status = writer_->end_run(*run_end_); !status) return status;
  }
  return {};
}

WaitingBatches::Batch HitStore::pack_batch() {
  make_records();
  WaitingBatches::Batch batch;
  if (run_) batch.push_back({SpillKind::kRunStart, pack(*run_)});
  for (size_t i = 0; i < batch_.size(); ++i)
    append_record(records_[i], batch.emplace_back(SpillFile::Entry{SpillKind::kHit, {}}).payload);
  for (const GapRecord& gap : gaps_)
    append_record(gap, batch.emplace_back(SpillFile::Entry{SpillKind::kGap, {}}).payload);
  if (run_end_) batch.push_back({SpillKind::kRunEnd, pack(*run_end_)});
  return batch;
}

// Where nobody takes them: not lost as long as this program lives.
Status HitStore::commit_to_memory(const Error& reason) {
  if (options_.memory_bytes == 0) return reason;
  const uint64_t dropped = memory_.dropped();
  memory_.add(pack_batch());
  degraded_ = true;
  if (!std::exchange(memory_is_used_, true)) {
    tell(reason.code, reason.message + "; the newest hits wait in memory, and are lost if detectd ends");
  }
  if (memory_.dropped() != dropped && !std::exchange(dropping_, true)) {
    tell(Errc::kFull, "the memory for hits that wait is full: the oldest of them are lost");
  }
  return {};
}

Status HitStore::commit_to_spill(const Error& reason) {
  if (!spill_) {
    Error error = reason.message.empty() ? Error{Errc::kSystem, "the database takes no hits"} : reason;
    error.message += "; and there is no spill: " + spill_error_->message;
    return error;
  }
  for (const SpillFile::Entry& entry : pack_batch()) {
    if (entry.kind != SpillKind::kRunStart || !run_is_spilled_) spill_->add(entry.kind, entry.payload);
  }
  if (Status status = spill_->flush(batch_is_durable_); !status) {
    Error error = std::move(status).error();
    if (!reason.message.empty())
      error.message = reason.message + "; and the spill takes no more: " + error.message;
    return error;
  }
  run_is_spilled_ = run_.has_value();
  if (!std::exchange(degraded_, true)) {
    tell(reason.code,
         reason.message + "; hits go to " + escape_text(spill_->path()) + " until it takes them again");
  }
  return {};
}

Status HitStore::import_entry(const SpillFile::Entry& entry, int64_t stored_ns) {
  switch (entry.kind) {
    case SpillKind::kHit:
      if (const auto hit = read_hit_record(entry.payload)) return writer_->record(*hit, stored_ns);
      break;
    case SpillKind::kGap:
      if (const auto gap = read_gap_record(entry.payload)) return writer_->record(*gap);
      break;
    case SpillKind::kRunStart:
      if (const auto start = unpack_run_start(entry.payload)) return writer_->continue_run(*start);
      break;
    case SpillKind::kRunEnd:
      if (const auto end = unpack_run_end(entry.payload)) return writer_->end_run(*end);
      break;
  }
  // Of a later version: its check was right, so somebody else can read it.
  return Error{Errc::kSystem, "D406: " + escape_text(spill_->path()) + " holds entries of a newer detectd"};
}

// In batches; done again from the start after a failure, which adds nothing twice.
Status HitStore::import_spill() {
  const int64_t stored_ns = wall_clock_ns();
  spill_->rewind();
  std::optional<SpillFile::Entry> entry = spill_->read_next();
  while (entry) {
    Status status = writer_->begin();
    for (size_t i = 0; status && entry && i < kBatchHits; ++i) {
      status = import_entry(*entry, stored_ns);
      entry = spill_->read_next();
    }
    if (status) status = writer_->commit();
    if (!status) {
      writer_->roll_back();
      return status;
    }
  }
  // The run of the entries may be another than this one.
  run_is_known_ = run_is_spilled_ = false;
  return spill_->clear();
}

Status HitStore::import_memory() {
  const int64_t stored_ns = wall_clock_ns();
  Status status = writer_->begin();
  for (const WaitingBatches::Batch& batch : memory_.batches()) {
    for (const SpillFile::Entry& entry : batch) {
      if (status) status = import_entry(entry, stored_ns);
    }
  }
  if (status) status = writer_->commit();
  if (!status) {
    writer_->roll_back();
    return status;
  }
  run_is_known_ = false;
  stored_ += memory_.hits();
  memory_.clear();
  return {};
}

void HitStore::tend() {
  if (!batch_.empty() || !gaps_.empty()) return;
  const bool waiting = (spill_ && !spill_->empty()) || memory_.hits() != 0;
  const bool gone = database_ == nullptr || database_->is_gone();
  if ((waiting || gone || degraded_) && steady_clock_ns() >= next_try_ns_) {
    const Status status = commit_to_database(false);
    if (!status && !std::exchange(degraded_, true)) tell(status.error().code, status.error().message);
  }
  if (!degraded_) upkeep_.run(*database_, wall_clock_ns(), kTendSteps);
  register_new_sinks();
}

Status HitStore::save_history(std::span<const TermHistory> histories) {
  if (database_ == nullptr || degraded_) return Error{Errc::kSystem, "the database takes nothing at present"};
  return detectd::save_history(*database_, histories, wall_clock_ns());
}

// A file that was removed or replaced takes hits nobody will find.
Status HitStore::follow_file() {
  if (database_ != nullptr && !database_->is_gone()) return {};
  if (database_ != nullptr) {
    tell(Errc::kSystem, rescue(*database_, wall_clock_ns()));
    writer_.reset();
    database_->abandon();
  }
  return open_or_replace();
}

Status HitStore::end_run(const RunEnd& end) {
  run_end_ = end;
  Status status = keep_batch(true);
  run_end_.reset();
  run_.reset();
  if (status && memory_.hits() != 0) {
    return Error{Errc::kSystem, with_number(memory_.hits(), "hit") + " could be stored nowhere: " +
                                    (memory_.hits() == 1 ? "it is lost" : "they are lost")};
  }
  const uint64_t waiting = counters().waiting;
  if (!status || waiting == 0) return status;
  return Error{Errc::kSystem, with_number(waiting, "hit") + (waiting == 1 ? " waits in " : " wait in ") +
                                  escape_text(spill_->path()) + ": the next run with " +
                                  escape_text(options_.path) + " brings them into it"};
}

}  // namespace detectd
