#include "src/store/retention.h"

#include <algorithm>

#include "src/store/lineage_cache.h"

namespace detectd {
namespace {

// Keeps where the chain of the hits that stay begins.
constexpr const char* kNoteChain =
    "UPDATE pruned SET chain = (SELECT chain FROM hit_detail WHERE n = ?1), until_n = ?1,"
    " hits = hits + (SELECT count(*) FROM hit WHERE n <= ?1),"
    " last_time_ns = max(coalesce(last_time_ns, -9223372036854775807),"
    " (SELECT max(time_ns) FROM hit WHERE n <= ?1))";
static_assert(LineageCache::kStretch == 1024, "as below");
constexpr const char* kRemove[] = {"DELETE FROM lineage WHERE n < (?1 + 1) / 1024 * 1024",
                                   "DELETE FROM hit_detail WHERE n <= ?1", "DELETE FROM hit WHERE n <= ?1"};

}  // namespace

Result<bool> Retention::is_too_large() const {
  if (!limits_.max_bytes && !limits_.spare_bytes) return false;
  uint64_t numbers[3] = {};
  const char* const questions[] = {"PRAGMA page_size", "PRAGMA page_count", "PRAGMA freelist_count"};
  for (size_t i = 0; i < 3; ++i) {
    const Result<int64_t> number = database_.query_number(questions[i]);
    if (!number) return number.error();
    numbers[i] = static_cast<uint64_t>(*number);
  }
  const auto [size, pages, free] = numbers;
  return (limits_.max_bytes && (pages - free) * size > *limits_.max_bytes) ||
         (limits_.spare_bytes && free * size < std::min(*limits_.spare_bytes, pages * size / kSpareShare));
}

Result<int64_t> Retention::find_last_to_go() {
  const Result<bool> too_large = is_too_large();
  if (!too_large) return too_large.error();
  auto oldest = database_.prepare(
      "SELECT coalesce(max(n), 0) FROM (SELECT n, stored_ns FROM hit ORDER BY n LIMIT ?1) WHERE ?2 OR "
      "stored_ns < ?3");
  if (!oldest) return oldest.error();
  oldest->bind(1, limits_.spare_bytes ? kHitsASpareStep : kHitsAStep)
      .bind(2, int64_t{*too_large})
      .bind(3, limits_.stored_before_ns.value_or(0));
  const Result<bool> row = oldest->step();
  if (!row) return row.error();
  return int64_t{oldest->number(0)};
}

Status Retention::remove_until(int64_t n) {
  if (Status status = database_.execute("BEGIN IMMEDIATE"); !status) return status;
  Status status;
  int64_t removed = 0;
  for (const char* sql : {kNoteChain, kRemove[0], kRemove[1], kRemove[2]}) {
    auto statement = database_.prepare(sql);
    status = statement ? statement->bind(1, n).run() : Status(statement.error());
    if (!status) break;
    removed = database_.changes();
  }
  if (status) status = database_.execute("COMMIT");
  if (status) {
    pruned_ += static_cast<uint64_t>(removed);
  } else {
    static_cast<void>(database_.execute("ROLLBACK"));
  }
  return status;
}

Result<bool> Retention::step() {
  database_.set_busy_timeout_ms(0);
  const Result<int64_t> n = find_last_to_go();
  if (!n) return n.error();
  if (*n != 0) {
    if (Status status = remove_until(*n); !status) return std::move(status).error();
    return true;
  }
  if (limits_.spare_bytes) return false;
  const Result<int64_t> free = database_.query_number("PRAGMA freelist_count");
  if (!free) return free.error();
  if (*free == 0) return false;
  static_assert(kPagesAStep == 256, "as below");
  if (Status status = database_.execute("PRAGMA incremental_vacuum(256)"); !status)
    return std::move(status).error();
  const Result<int64_t> left = database_.query_number("PRAGMA freelist_count");
  if (!left) return left.error();
  // A file of the first schema may be one that can not shrink.
  return *left < *free;
}

}  // namespace detectd
