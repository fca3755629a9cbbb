// Hits, gaps and runs into a database, in batches: what was recorded since the last commit() is there
// as a whole, or not at all.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/digest.h"
#include "src/store/database.h"
#include "src/store/hit_record.h"
#include "src/store/lineage_cache.h"
#include "src/store/mutes.h"
#include "src/store/run_record.h"

namespace detectd {

class HitWriter {
 public:
  // The schema must be this version's (schema.h); `database` must outlive the writer.
  static Result<HitWriter> open(Database& database);
  HitWriter(HitWriter&&) = default;

  // Of the run whose hits are recorded from now on. Committed at once.
  Status begin_run(const RunStart& start);
  // The same for hits of a run that began before, in this database or in another: not a second row.
  Status continue_run(const RunStart& start);
  // A run that found nothing that an earlier one with the same command, rules and result had not found is folded
  // into that one. Committed at once.
  Status end_run(const RunEnd& end);
  // begin() for a batch inside a transaction of the caller.
  Status continue_chain();
  Status begin();
  // A hit that is there already is brought up to date and adds nothing.
  Status record(const HitRecord& hit, int64_t stored_ns);
  Status record(const GapRecord& gap);
  // Not inside a batch.
  Status set_outcome(int64_t time_ns, std::string_view id, std::string_view outcome);
  Status commit();
  void roll_back();
  // Whether commits wait until the disk has what they wrote. Not inside a batch.
  Status set_durable(bool durable);

 private:
  explicit HitWriter(Database& database) : database_(&database) {}
  Status prepare();
  Result<int64_t> find_rule(const std::shared_ptr<const RuleRecord>& wanted);
  // What `hit_detail.lineage` holds of it: where it stands, or 0 for the text itself.
  Result<int64_t> store_lineage(const std::string& lineage);
  Status insert_detail(const HitRecord& hit);
  Result<bool> insert_hit(const HitRecord& hit, int64_t rule, int64_t stored_ns);
  Result<int64_t> find_run(const RunStart& start);
  Status insert_run(const RunStart& start);
  Status learn_mutes(const RunStart& start);
  Status read_mutes();
  Result<bool> fold_into_earlier_run(const RunEnd& end);

  Database* database_;
  std::optional<Statement> insert_hit_, insert_detail_, insert_lineage_, update_hit_, insert_rule_,
      select_rule_, insert_gap_;
  std::unordered_map<std::string, int64_t> rules_;  // by RuleRecord::key()
  std::shared_ptr<const RuleRecord> last_rule_;     // hits of one rule often follow each other
  int64_t last_rule_n_ = 0;
  LineageCache lineages_;
  int64_t run_ = 0;
  uint64_t added_ = 0;  // rows of this run
  bool tells_ = false;  // its hits go to sinks
  std::vector<Mute> mutes_;
  int64_t next_n_ = 0;
  std::string chain_;  // of the last hit
  std::string scratch_;
  std::unique_ptr<Sha256Hasher> hasher_ = std::make_unique<Sha256Hasher>();
};

}  // namespace detectd
