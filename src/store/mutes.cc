#include "src/store/mutes.h"

#include "engine/escape.h"

namespace detectd {
namespace {

Mute read_mute(const Statement& row) {
  Mute mute;
  mute.n = row.number(0);
  mute.rule = row.text(1);
  mute.name = row.text(2);
  mute.begin_ns = row.number(3);
  mute.end_ns = row.number(4);
  mute.reason = row.text(5);
  mute.made_by = row.text(6);
  mute.lifted_by = row.text(7);
  return mute;
}

Result<std::vector<Mute>> read_all(Statement& rows, bool counted) {
  std::vector<Mute> mutes;
  while (true) {
    const Result<bool> row = rows.step();
    if (!row) return row.error();
    if (!*row) return mutes;
    mutes.push_back(read_mute(rows));
    if (counted) mutes.back().hits = static_cast<uint64_t>(rows.number(8));
  }
}

Status check(const Mute& mute) {
  if (mute.reason.empty())
    return Error{Errc::kUsage, "a mute needs a reason: whoever finds it wants to know why"};
  if (mute.end_ns <= mute.begin_ns || mute.end_ns - mute.begin_ns > kLongestMuteNs)
    return Error{Errc::kUsage, "a mute lasts up to a year"};
  return {};
}

// In a transaction.
Result<int64_t> write(Database& database, const Mute& mute) {
  auto count = database.prepare("SELECT count(*) FROM mute WHERE end_ns > ?1 AND rule != ?2");
  if (!count) return count.error();
  const Result<bool> counted = count->bind(1, mute.begin_ns).bind(2, std::string_view(mute.rule)).step();
  if (!counted) return counted.error();
  if (count->number(0) >= static_cast<int64_t>(kMaxMutes))
    return Error{Errc::kUsage,
                 std::to_string(kMaxMutes) + " rules are muted already; lift one of them first"};
  auto shorten =
      database.prepare("UPDATE mute SET end_ns = ?2, lifted_by = ?3 WHERE rule = ?1 AND end_ns > ?2");
  if (!shorten) return shorten.error();
  const std::string reason = escape_text(mute.reason), name = escape_text(mute.name),
                    made_by = escape_text(mute.made_by);
  shorten->bind(1, std::string_view(mute.rule)).bind(2, mute.begin_ns).bind(3, std::string_view(made_by));
  if (Status status = shorten->run(); !status) return status.error();
  auto insert = database.prepare(
      "INSERT INTO mute (rule, name, begin_ns, end_ns, reason, made_by) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (!insert) return insert.error();
  insert->bind(1, std::string_view(mute.rule)).bind(2, std::string_view(name)).bind(3, mute.begin_ns);
  insert->bind(4, mute.end_ns).bind(5, std::string_view(reason)).bind(6, std::string_view(made_by));
  if (Status status = insert->run(); !status) return status.error();
  return database.query_number("SELECT last_insert_rowid()");
}

}  // namespace

Result<int64_t> add_mute(Database& database, const Mute& mute) {
  if (Status status = check(mute); !status) return status.error();
  if (Status status = database.execute("BEGIN IMMEDIATE"); !status) return status.error();
  Result<int64_t> number = write(database, mute);
  if (number) {
    if (Status status = database.execute("COMMIT"); !status) number = status.error();
  }
  if (!number) static_cast<void>(database.execute("ROLLBACK"));
  return number;
}

Result<bool> lift_mute(Database& database, std::string_view rule, int64_t now_ns,
                       std::string_view lifted_by) {
  auto update = database.prepare(
      "UPDATE mute SET end_ns = max(begin_ns, ?2), lifted_by = ?3 WHERE rule = ?1 AND end_ns > ?2");
  if (!update) return update.error();
  const std::string by = escape_text(lifted_by);
  if (Status status = update->bind(1, rule).bind(2, now_ns).bind(3, std::string_view(by)).run(); !status)
    return status.error();
  return database.changes() != 0;
}

Result<std::vector<Mute>> list_mutes(const Database& database, WhichMutes which, int64_t now_ns) {
  auto rows = database.prepare(
      "SELECT n, rule, name, begin_ns, end_ns, reason, made_by, coalesce(lifted_by, ''),"
      " (SELECT count(*) FROM hit WHERE hit.muted = mute.n AND hit.time_ns >= mute.begin_ns"
      " AND hit.time_ns < mute.end_ns) FROM mute WHERE ?1 OR end_ns > ?2 ORDER BY n");
  if (!rows) return rows.error();
  rows->bind(1, int64_t{which == WhichMutes::kAll}).bind(2, now_ns);
  return read_all(*rows, true);
}

Result<std::vector<Mute>> all_mutes(const Database& database) {
  auto rows = database.prepare(
      "SELECT n, rule, name, begin_ns, end_ns, reason, made_by, coalesce(lifted_by, '')"
      " FROM mute ORDER BY n DESC LIMIT 2000");
  if (!rows) return rows.error();
  return read_all(*rows, false);
}

std::optional<int64_t> find_mute(const std::vector<Mute>& mutes, std::string_view rule, int64_t time_ns) {
  for (const Mute& mute : mutes) {
    if (mute.rule == rule && mute.holds(time_ns)) return mute.n;
  }
  return std::nullopt;
}

}  // namespace detectd
