#include "src/store/outbox.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr int kWaitMs = 500;

SinkRecord read_sink(const Statement& row) {
  const auto optional = [&row](int column) {
    return row.is_null(column) ? std::nullopt : std::optional(row.number(column));
  };
  const auto count = [&row](int column) { return static_cast<uint64_t>(row.number(column)); };
  SinkRecord sink;
  sink.name = row.text(0);
  sink.since_ns = row.number(1);
  sink.settled_n = row.number(2);
  sink.delivered = count(3);
  sink.folded = count(4);
  sink.refused = count(5);
  sink.expired = count(6);
  sink.delivered_ns = optional(7);
  sink.failing_since_ns = optional(8);
  sink.failure = row.text(9);
  sink.digest_ns = optional(10);
  return sink;
}

#define DETECTD_SELECT_SINK                                                                                \
  "SELECT name, since_ns, settled_n, delivered, folded, refused, expired, delivered_ns, failing_since_ns," \
  " coalesce(failure, ''), digest_ns FROM sink"

std::string name_of(const Statement& row, int name, int title) {
  return std::string(row.text(row.text(name).empty() ? title : name));
}

// Their length, what lies in several of them counted once.
int64_t length_of(std::vector<Outbox::Stretch>& stretches) {
  std::sort(stretches.begin(), stretches.end(),
            [](const auto& a, const auto& b) { return a.begin_ns < b.begin_ns; });
  int64_t length_ns = 0;
  int64_t reached_ns = stretches.empty() ? 0 : stretches.front().begin_ns;
  for (const Outbox::Stretch& stretch : stretches) {
    reached_ns = std::max(reached_ns, stretch.begin_ns);
    if (stretch.end_ns > reached_ns) length_ns += stretch.end_ns - reached_ns;
    reached_ns = std::max(reached_ns, stretch.end_ns);
  }
  return length_ns;
}

void sort_rules(Outbox::Overview& overview) {
  std::sort(overview.rules.begin(), overview.rules.end(), [](const auto& a, const auto& b) {
    if (a.level != b.level) return a.level > b.level;
    return a.hits != b.hits ? a.hits > b.hits : a.id < b.id;
  });
  if (overview.rules.size() <= Outbox::kMaxRules) return;
  overview.rules_left_out = overview.rules.size() - Outbox::kMaxRules;
  overview.rules.resize(Outbox::kMaxRules);
}

Status count_rules(const Database& database, Outbox::Stretch stretch, Outbox::Overview& overview) {
  auto rows = database.prepare(
      "SELECT rule.id, rule.name, rule.title, max(rule.level), count(*), sum(hit.count) - count(*),"
      " count(hit.muted), min(hit.time_ns), max(hit.time_ns) FROM hit JOIN rule ON rule.n = hit.rule"
      " JOIN run ON run.n = hit.run WHERE hit.time_ns >= ?1 AND hit.time_ns < ?2 AND run.alerts = 1"
      " GROUP BY rule.id");
  if (!rows) return rows.error();
  rows->bind(1, stretch.begin_ns).bind(2, stretch.end_ns);
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    Outbox::RuleCount& rule = overview.rules.emplace_back();
    rule.id = rows->text(0);
    rule.name = name_of(*rows, 1, 2);
    rule.level = level_of(rows->number(3));
    rule.hits = static_cast<uint64_t>(rows->number(4));
    rule.repeats = static_cast<uint64_t>(std::max<int64_t>(rows->number(5), 0));
    rule.muted = static_cast<uint64_t>(rows->number(6));
    rule.first_ns = rows->number(7);
    rule.last_ns = rows->number(8);
    overview.hits += rule.hits;
  }
  sort_rules(overview);
  return {};
}

Status count_gaps(const Database& database, Outbox::Stretch stretch, Outbox::Overview& overview) {
  auto rows = database.prepare(
      "SELECT begin_ns, end_ns, gap.lost FROM gap JOIN run ON run.n = gap.run"
      " WHERE end_ns >= ?1 AND begin_ns < ?2 AND run.alerts = 1");
  if (!rows) return rows.error();
  rows->bind(1, stretch.begin_ns).bind(2, stretch.end_ns);
  std::vector<Outbox::Stretch> blind;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    ++overview.gaps;
    if (rows->is_null(2)) {
      ++overview.uncounted_gaps;
    } else {
      overview.lost += static_cast<uint64_t>(std::max<int64_t>(rows->number(2), 0));
    }
    blind.push_back({std::max(rows->number(0), stretch.begin_ns), std::min(rows->number(1), stretch.end_ns)});
  }
  overview.blind_ns = length_of(blind);
  return {};
}

Status find_silent(const Database& database, std::span<const Outbox::NamedRule> running,
                   Outbox::Overview& overview) {
  auto known = database.prepare(
      "SELECT 1 FROM rule WHERE id = ?1 AND EXISTS (SELECT 1 FROM hit WHERE hit.rule = rule.n)");
  if (!known) return known.error();
  for (const Outbox::NamedRule& rule : running) {
    const Result<bool> row = known->bind(1, std::string_view(rule.id)).step();
    if (!row) return row.error();
    known->reset();
    if (*row) continue;
    if (overview.silent.size() < Outbox::kMaxRules) {
      overview.silent.push_back(rule.name);
    } else {
      ++overview.silent_left_out;
    }
  }
  return {};
}

}  // namespace

Status register_sinks(Database& database, std::span<const std::string> names, int64_t now_ns) {
  for (const std::string& name : names) {
    auto insert = database.prepare(
        "INSERT INTO sink (name, since_ns, settled_n) VALUES (?1, ?2,"
        " (SELECT max(coalesce((SELECT max(n) FROM hit), 0), (SELECT until_n FROM pruned))))"
        " ON CONFLICT DO NOTHING");
    if (!insert) return insert.error();
    if (Status status = insert->bind(1, std::string_view(name)).bind(2, now_ns).run(); !status) return status;
  }
  return {};
}

Result<std::vector<SinkRecord>> read_sinks(const Database& database) {
  std::vector<SinkRecord> sinks;
  const Result<int64_t> known =
      database.query_number("SELECT count(*) FROM sqlite_schema WHERE name = 'sink'");
  if (!known) return known.error();
  if (*known == 0) return sinks;
  auto rows = database.prepare(DETECTD_SELECT_SINK " ORDER BY name");
  if (!rows) return rows.error();
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return sinks;
    sinks.push_back(read_sink(*rows));
  }
}

Status Outbox::connect() {
  if (database_ && !database_->is_gone()) return {};
  was_replaced_ = was_replaced_ || database_.has_value();
  rules_.clear();
  database_.reset();
  Result<Database> opened = Database::open(path_, Database::Access::kWrite);
  if (!opened) return std::move(opened).error();
  database_.emplace(std::move(*opened));
  database_->set_busy_timeout_ms(kWaitMs);
  // Who records moves the log into the file: a sink's thread must not hold the lock for as long as a disk takes.
  Status status = database_->execute("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
  if (!status) database_.reset();
  return status;
}

Result<Outbox::Read> Outbox::read(const Query& query, const HitReader::Take& take) {
  if (Status status = connect(); !status) return std::move(status).error();
  Read found{.looked_to = query.after};
  if ((found.is_new = std::exchange(was_replaced_, false))) return found;
  const Result<int64_t> last = database_->query_number("SELECT coalesce(max(n), 0) FROM hit");
  if (!last) return last.error();
  const Result<int64_t> first = database_->query_number("SELECT until_n FROM pruned");
  if (!first) return first.error();
  int64_t after = query.after;
  if (*first > after) {
    found.taken_away = static_cast<uint64_t>(*first - after);
    after = *first;
  }
  const int64_t end = std::min(after + kStretch, *last);
  auto rows = database_->prepare(DETECTD_SELECT_HIT
                                 " FROM hit JOIN rule ON rule.n = hit.rule JOIN run ON run.n = hit.run"
                                 " WHERE hit.n > ?1 AND hit.n <= ?2 AND hit.muted IS NULL AND run.alerts = 1"
                                 " AND (rule.level >= ?3 OR rule.name = ?4)"
                                 " ORDER BY hit.n");
  auto open = database_->prepare(
      "SELECT min(n) FROM hit WHERE n > ?1 AND n <= ?2 AND response_outcome LIKE 'signalled%' AND stored_ns "
      ">= ?3");
  Result<Statement> detail = prepare_detail(*database_);
  if (!rows || !open || !detail) return !rows ? rows.error() : !open ? open.error() : detail.error();
  const int64_t settled_ns = query.now_ns - kOutcomeWaitNs;
  const Result<bool> waiting = open->bind(1, after).bind(2, end).bind(3, settled_ns).step();
  if (!waiting) return waiting.error();
  int64_t up_to = end;
  if (*waiting && !open->is_null(0)) {
    up_to = open->number(0) - 1;
    found.waits = true;
  }
  open->reset();
  rows->bind(1, after).bind(2, up_to).bind(3, static_cast<int64_t>(query.min_level)).bind(4, query.always);
  StoredHit hit;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    read_hit(*rows, rules_, hit);
    if (Status status = read_detail(*detail, hit); !status) return std::move(status).error();
    if (!take(hit)) {
      found.looked_to = hit.n - 1;
      found.more = true;
      found.waits = false;
      return found;
    }
  }
  found.looked_to = std::max(up_to, after);
  found.more = !found.waits && found.looked_to < *last;
  return found;
}

Result<SinkRecord> Outbox::find(const std::string& name) {
  if (Status status = connect(); !status) return std::move(status).error();
  auto row = database_->prepare(DETECTD_SELECT_SINK " WHERE name = ?1");
  if (!row) return row.error();
  const Result<bool> found = row->bind(1, std::string_view(name)).step();
  if (!found) return found.error();
  if (!*found) return Error{Errc::kNotFound, "no sink " + escape_text(name)};
  return read_sink(*row);
}

Status Outbox::save(const SinkRecord& sink) {
  if (Status status = connect(); !status) return status;
  auto update = database_->prepare(
      "UPDATE sink SET settled_n = ?2, delivered = ?3, folded = ?4, refused = ?5, expired = ?6,"
      " delivered_ns = ?7, failing_since_ns = ?8, failure = nullif(?9, ''), digest_ns = ?10 WHERE name = ?1");
  if (!update) return update.error();
  update->bind(1, std::string_view(sink.name)).bind(2, sink.settled_n);
  const uint64_t counts[] = {sink.delivered, sink.folded, sink.refused, sink.expired};
  for (int i = 0; i < 4; ++i) update->bind(3 + i, static_cast<int64_t>(counts[i]));
  update->bind(7, sink.delivered_ns).bind(8, sink.failing_since_ns).bind(9, std::string_view(sink.failure));
  return update->bind(10, sink.digest_ns).run();
}

Result<uint64_t> Outbox::behind(int64_t n) {
  if (Status status = connect(); !status) return std::move(status).error();
  const Result<int64_t> last = database_->query_number("SELECT coalesce(max(n), 0) FROM hit");
  if (!last) return last.error();
  return static_cast<uint64_t>(std::max<int64_t>(*last - n, 0));
}

Result<Outbox::Overview> Outbox::overview(Stretch stretch, std::span<const NamedRule> running) {
  if (Status status = connect(); !status) return std::move(status).error();
  Overview overview;
  if (Status status = count_rules(*database_, stretch, overview); !status) return std::move(status).error();
  if (Status status = count_gaps(*database_, stretch, overview); !status) return std::move(status).error();
  if (Status status = find_silent(*database_, running, overview); !status) return std::move(status).error();
  return overview;
}

Result<Outbox::Overview> Outbox::fold(int64_t after, int64_t up_to,
                                      const std::function<bool(const RuleRecord&)>& wanted) {
  if (Status status = connect(); !status) return std::move(status).error();
  auto rows = database_->prepare(
      "SELECT rule.id, rule.name, rule.title, rule.level, rule.tags, count(*), sum(hit.count) - count(*),"
      " min(hit.time_ns), max(hit.time_ns) FROM hit JOIN rule ON rule.n = hit.rule JOIN run ON run.n = "
      "hit.run"
      " WHERE hit.n > ?1 AND hit.n <= ?2 AND hit.muted IS NULL AND run.alerts = 1 GROUP BY rule.n");
  if (!rows) return rows.error();
  rows->bind(1, after).bind(2, up_to);
  Overview overview;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    RuleRecord rule;
    rule.id = rows->text(0);
    rule.name = rows->text(1);
    rule.title = rows->text(2);
    rule.level = level_of(rows->number(3));
    rule.tags = rows->text(4);
    if (!wanted(rule)) continue;
    RuleCount& count = overview.rules.emplace_back();
    count.id = rule.id;
    count.name = rule.name.empty() ? rule.title : rule.name;
    count.level = rule.level;
    count.hits = static_cast<uint64_t>(rows->number(5));
    count.repeats = static_cast<uint64_t>(std::max<int64_t>(rows->number(6), 0));
    count.first_ns = rows->number(7);
    count.last_ns = rows->number(8);
    overview.hits += count.hits;
  }
  sort_rules(overview);
  return overview;
}

}  // namespace detectd
