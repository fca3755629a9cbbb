#include "src/store/hit_writer.h"

#include <charconv>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr const char* kInsertHit =
    "INSERT INTO hit (n, id, time_ns, rule, run, stored_ns, kind, host, family, pid, name, parent_pid,"
    " parent_name, target_pid, target_name, entity_id, executable, command_line, user_id, user_name,"
    " previous_user_id, count, first_ns, last_ns, response, response_target, response_outcome, muted)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,"
    " ?22, ?23, ?24, ?25, ?26, ?27, ?28)"
    " ON CONFLICT (time_ns, id) DO NOTHING";

constexpr const char* kUpdateHit =
    "UPDATE hit SET count = max(count, ?3), first_ns = min(first_ns, ?4), last_ns = max(last_ns, ?5),"
    " response_outcome = CASE WHEN ?6 IN ('', 'replay') THEN response_outcome ELSE ?6 END"
    " WHERE time_ns = ?1 AND id = ?2";

constexpr const char* kSetOutcome =
    "UPDATE hit SET response_outcome = ?3 WHERE time_ns = ?1 AND lower(hex(id)) = ?2";

constexpr const char* kInsertDetail = "INSERT INTO hit_detail VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr const char* kInsertLineage = "INSERT INTO lineage VALUES (?1, ?2)";

constexpr const char* kInsertRule =
    "INSERT INTO rule (id, name, title, level, tags, digest) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
    " ON CONFLICT DO NOTHING";
constexpr const char* kSelectRule =
    "SELECT n FROM rule WHERE id = ?1 AND name = ?2 AND title = ?3 AND level = ?4 AND tags = ?5 AND digest = "
    "?6";

constexpr const char* kInsertGap =
    "INSERT INTO gap (run, time_ns, begin_ns, end_ns, lost, reason, host, event)"
    " VALUES (?1, ?2, ?3, ?4, ?5, nullif(?6, ''), nullif(?7, ''), ?8) ON CONFLICT DO NOTHING";

std::string command_json(const std::vector<std::string>& command) {
  std::string json = "[";
  for (const std::string& word : command) {
    if (json.size() > 1) json += ',';
    json += '"';
    append_json_escaped(word, json);
    json += '"';
  }
  return json + "]";
}

// What is not there stays NULL.
void bind_present(Statement& statement, int parameter, const std::string& text) {
  if (!text.empty()) statement.bind(parameter, std::string_view(text));
}

void bind_present(Statement& statement, int parameter, int64_t number) {
  if (number != 0) statement.bind(parameter, number);
}

std::string_view bytes_of(const HitId& id) { return {reinterpret_cast<const char*>(id.data()), id.size()}; }

}  // namespace

Result<HitWriter> HitWriter::open(Database& database) {
  HitWriter writer(database);
  if (Status status = writer.prepare(); !status) return std::move(status).error();
  return writer;
}

Status HitWriter::prepare() {
  for (const auto& [statement, sql] :
       {std::pair(&insert_hit_, kInsertHit), std::pair(&update_hit_, kUpdateHit),
        std::pair(&insert_detail_, kInsertDetail), std::pair(&insert_lineage_, kInsertLineage),
        std::pair(&insert_rule_, kInsertRule), std::pair(&select_rule_, kSelectRule),
        std::pair(&insert_gap_, kInsertGap)}) {
    Result<Statement> prepared = database_->prepare(sql);
    if (!prepared) return std::move(prepared).error();
    statement->emplace(std::move(*prepared));
  }
  return {};
}

Status HitWriter::insert_run(const RunStart& start) {
  auto insert = database_->prepare(
      "INSERT INTO run (command, version, rules_digest, started_ns, alerts) VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!insert) return insert.error();
  const std::string command = command_json(start.command);
  insert->bind(1, command).bind(2, std::string_view(start.version));
  insert->bind(3, std::string_view(start.rules_digest)).bind(4, start.time_ns).bind(5, int64_t{start.alerts});
  if (Status status = insert->run(); !status) return status;
  const Result<int64_t> run = database_->query_number("SELECT last_insert_rowid()");
  if (!run) return run.error();
  run_ = *run;
  added_ = 0;
  return learn_mutes(start);
}

Status HitWriter::begin_run(const RunStart& start) { return insert_run(start); }

Result<int64_t> HitWriter::find_run(const RunStart& start) {
  auto select = database_->prepare(
      "SELECT n FROM run WHERE started_ns = ?1 AND command = ?2 AND rules_digest = ?3 ORDER BY n DESC LIMIT "
      "1");
  if (!select) return select.error();
  const std::string command = command_json(start.command);
  select->bind(1, start.time_ns).bind(2, command).bind(3, std::string_view(start.rules_digest));
  const Result<bool> row = select->step();
  if (!row) return row.error();
  return *row ? select->number(0) : int64_t{0};
}

Status HitWriter::continue_run(const RunStart& start) {
  const Result<int64_t> run = find_run(start);
  if (!run) return run.error();
  if (*run == 0) return insert_run(start);
  run_ = *run;
  // Rows of before are of this run, too.
  added_ = 1;
  return learn_mutes(start);
}

Result<bool> HitWriter::fold_into_earlier_run(const RunEnd& end) {
  if (added_ != 0) return false;
  auto update = database_->prepare(
      "UPDATE run SET repeated = repeated + 1, ended_ns = ?2 WHERE n = (SELECT min(old.n) FROM run AS old, "
      "run AS new"
      " WHERE new.n = ?1 AND old.n < new.n AND old.ended_ns IS NOT NULL AND old.command = new.command"
      " AND old.version = new.version AND old.rules_digest = new.rules_digest AND old.hits_digest = ?3"
      " AND old.ending = ?4 AND old.complete = ?5 AND old.events = ?6)");
  if (!update) return update.error();
  update->bind(1, run_).bind(2, end.time_ns).bind(3, std::string_view(end.hits_digest));
  update->bind(4, std::string_view(end.ending)).bind(5, int64_t{end.complete});
  update->bind(6, static_cast<int64_t>(end.events));
  if (Status status = update->run(); !status) return status.error();
  if (database_->changes() == 0) return false;
  auto remove = database_->prepare("DELETE FROM run WHERE n = ?1");
  if (!remove) return remove.error();
  if (Status status = remove->bind(1, run_).run(); !status) return status.error();
  return true;
}

Status HitWriter::end_run(const RunEnd& end) {
  const Result<bool> folded = fold_into_earlier_run(end);
  if (!folded) return folded.error();
  if (*folded) return {};
  auto update = database_->prepare(
      "UPDATE run SET ended_ns = ?2, ending = ?3, complete = ?4, hits_digest = ?5, events = ?6, hits = ?7,"
      " skipped = ?8, lost = ?9, gaps = ?10 WHERE n = ?1");
  if (!update) return update.error();
  update->bind(1, run_).bind(2, end.time_ns).bind(3, std::string_view(end.ending));
  update->bind(4, int64_t{end.complete}).bind(5, std::string_view(end.hits_digest));
  const uint64_t counts[] = {end.events, end.hits, end.skipped, end.lost, end.gaps};
  for (int i = 0; i < 5; ++i) update->bind(6 + i, static_cast<int64_t>(counts[i]));
  return update->run();
}

// Read at the begin of each batch: another program may have written since.
Status HitWriter::continue_chain() {
  auto select = database_->prepare(
      "SELECT n, chain FROM hit_detail WHERE n = (SELECT max(n) FROM hit_detail)"
      " UNION ALL SELECT until_n, chain FROM pruned LIMIT 1");
  if (!select) return select.error();
  const Result<bool> row = select->step();
  if (!row) return row.error();
  next_n_ = *row ? select->number(0) + 1 : 1;
  chain_ = *row ? select->blob(1) : std::string_view();
  return tells_ ? read_mutes() : Status();
}

Status HitWriter::learn_mutes(const RunStart& start) {
  tells_ = start.alerts;
  mutes_.clear();
  return tells_ ? read_mutes() : Status();
}

// Few, and changed by a person: to ask for them costs less than to be told.
Status HitWriter::read_mutes() {
  Result<std::vector<Mute>> mutes = all_mutes(*database_);
  if (!mutes) return std::move(mutes).error();
  mutes_ = *std::move(mutes);
  return {};
}

Status HitWriter::begin() {
  if (Status status = database_->execute("BEGIN IMMEDIATE"); !status) return status;
  Status status = continue_chain();
  if (!status) roll_back();
  return status;
}

Result<int64_t> HitWriter::find_rule(const std::shared_ptr<const RuleRecord>& wanted) {
  if (wanted == last_rule_) return last_rule_n_;
  const RuleRecord& rule = *wanted;
  std::string key = rule.key();
  if (const auto known = rules_.find(key); known != rules_.end()) {
    last_rule_ = wanted;
    return last_rule_n_ = known->second;
  }
  for (Statement* statement : {&*insert_rule_, &*select_rule_}) {
    statement->bind(1, std::string_view(rule.id)).bind(2, std::string_view(rule.name));
    statement->bind(3, std::string_view(rule.title)).bind(4, static_cast<int64_t>(rule.level));
    statement->bind(5, std::string_view(rule.tags)).bind(6, std::string_view(rule.digest));
  }
  Status inserted = insert_rule_->run();
  const Result<bool> row = inserted ? select_rule_->step() : Result<bool>(inserted.error());
  const int64_t n = row && *row ? select_rule_->number(0) : 0;
  select_rule_->reset();
  if (!row) return row.error();
  rules_.emplace(std::move(key), n);
  return n;
}

Result<bool> HitWriter::insert_hit(const HitRecord& hit, int64_t rule, int64_t stored_ns) {
  Statement& insert = *insert_hit_;
  insert.bind(1, next_n_).bind_blob(2, bytes_of(hit.id)).bind(3, hit.time_ns).bind(4, rule).bind(5, run_);
  insert.bind(6, stored_ns).bind(9, hit.family);
  insert.bind(10, hit.pid).bind(12, hit.parent_pid).bind(14, hit.target_pid);
  if (!mutes_.empty()) insert.bind(28, find_mute(mutes_, hit.rule->id, hit.time_ns));
  insert.bind(22, static_cast<int64_t>(hit.count)).bind(23, hit.first_ns).bind(24, hit.last_ns);
  insert.bind(7, std::string_view(hit.kind));
  for (const auto& [parameter, text] :
       {std::pair(8, &hit.host), std::pair(11, &hit.name), std::pair(13, &hit.parent_name),
        std::pair(15, &hit.target_name), std::pair(16, &hit.entity_id), std::pair(17, &hit.executable),
        std::pair(18, &hit.command_line), std::pair(19, &hit.user_id), std::pair(20, &hit.user_name),
        std::pair(21, &hit.previous_user_id), std::pair(25, &hit.response),
        std::pair(26, &hit.response_target), std::pair(27, &hit.response_outcome)}) {
    bind_present(insert, parameter, *text);
  }
  if (Status status = insert.run(); !status) return status.error();
  return database_->changes() != 0;
}

Result<int64_t> HitWriter::store_lineage(const std::string& lineage) {
  if (lineage == "[]") return int64_t{0};
  if (const int64_t n = lineages_.find(lineage, next_n_); n != 0) return n;
  insert_lineage_->bind(1, next_n_).bind(2, std::string_view(lineage));
  if (Status status = insert_lineage_->run(); !status) return status.error();
  lineages_.keep(lineage, next_n_);
  return next_n_;
}

Status HitWriter::insert_detail(const HitRecord& hit) {
  const Result<int64_t> lineage = store_lineage(hit.lineage);
  if (!lineage) return lineage.error();
  const Sha256 link = chain_link(chain_, hit, *hasher_, scratch_);
  chain_.assign(reinterpret_cast<const char*>(link.data()), link.size());
  insert_detail_->bind(1, next_n_).bind(2, std::string_view(hit.event));
  // As text: SQLite would make text of a number in memory of its own.
  char digits[20];
  const char* const end = std::to_chars(std::begin(digits), std::end(digits), *lineage).ptr;
  insert_detail_->bind(3, *lineage != 0 ? std::string_view(digits, end) : std::string_view(hit.lineage));
  bind_present(*insert_detail_, 4, hit.grouping);
  bind_present(*insert_detail_, 5, hit.parts);
  bind_present(*insert_detail_, 6, hit.parts_left_out);
  bind_present(*insert_detail_, 7, hit.capture_file);
  bind_present(*insert_detail_, 8, hit.capture_line);
  insert_detail_->bind_blob(9, chain_);
  return insert_detail_->run();
}

Status HitWriter::record(const HitRecord& hit, int64_t stored_ns) {
  const Result<int64_t> rule = find_rule(hit.rule);
  if (!rule) return rule.error();
  const Result<bool> inserted = insert_hit(hit, *rule, stored_ns);
  if (!inserted) return inserted.error();
  if (*inserted) {
    if (Status status = insert_detail(hit); !status) return status;
    ++next_n_;
    ++added_;
    return {};
  }
  update_hit_->bind(1, hit.time_ns).bind_blob(2, bytes_of(hit.id)).bind(3, static_cast<int64_t>(hit.count));
  update_hit_->bind(4, hit.first_ns).bind(5, hit.last_ns).bind(6, std::string_view(hit.response_outcome));
  return update_hit_->run();
}

Status HitWriter::record(const GapRecord& gap) {
  insert_gap_->bind(1, run_).bind(2, gap.time_ns).bind(3, gap.begin_ns).bind(4, gap.end_ns);
  insert_gap_->bind(5, gap.lost).bind(6, std::string_view(gap.reason)).bind(7, std::string_view(gap.host));
  insert_gap_->bind(8, std::string_view(gap.event));
  if (Status status = insert_gap_->run(); !status) return status;
  added_ += static_cast<uint64_t>(database_->changes());
  return {};
}

Status HitWriter::set_outcome(int64_t time_ns, std::string_view id, std::string_view outcome) {
  auto update = database_->prepare(kSetOutcome);
  if (!update) return std::move(update).error();
  update->bind(1, time_ns).bind(2, id).bind(3, outcome);
  return update->run();
}

Status HitWriter::commit() { return database_->execute("COMMIT"); }

void HitWriter::roll_back() {
  // SQLite has done it itself after some failures, and then says that there is nothing to roll back.
  static_cast<void>(database_->execute("ROLLBACK"));
  rules_.clear();
  last_rule_ = nullptr;
  lineages_.clear();
}

Status HitWriter::set_durable(bool durable) {
  return database_->execute(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

}  // namespace detectd
