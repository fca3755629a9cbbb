#include "src/store/salvage.h"

#include <unistd.h>

#include <algorithm>

#include "engine/escape.h"
#include "src/store/database.h"
#include "src/store/hit_row.h"
#include "src/store/hit_writer.h"
#include "src/store/schema.h"

namespace detectd {
namespace {

constexpr int64_t kBatch = 1000;
// Numbers beyond the last that could be read are tried so far.
constexpr int64_t kBeyond = 100'000;

// One damaged database, read number by number: a damaged page then costs its own rows only.
class Salvager {
 public:
  Salvager(Database& from, HitWriter& writer, int64_t now_ns)
      : from_(from), writer_(writer), now_ns_(now_ns) {}

  Status run() {
    if (Status status = copy_hits(); !status) return status;
    return copy_gaps();
  }
  const SalvageReport& report() const { return report_; }

 private:
  int64_t find_last() const {
    int64_t last = 0;
    for (const char* sql : {"SELECT max(n) FROM hit", "SELECT max(n) FROM hit_detail",
                            "SELECT max(n) FROM hit INDEXED BY hit_by_time"}) {
      if (const Result<int64_t> found = from_.query_number(sql)) last = std::max(last, *found);
    }
    return last == 0 ? kBeyond : last;
  }

  // Whether there is such a hit, with all of its parts.
  bool read(int64_t n, StoredHit& hit) {
    auto select =
        from_.prepare(DETECTD_SELECT_HIT " FROM hit JOIN rule ON rule.n = hit.rule WHERE hit.n = ?1");
    const Result<bool> row = select ? select->bind(1, n).step() : Result<bool>(select.error());
    if (row && !*row) return false;
    if (!row) {
      ++report_.unreadable;
      return false;
    }
    // A number that is not what was asked for is damage, too.
    read_hit(*select, cache_, hit);
    const bool whole = hit.n == n && read_detail_of(hit) && !hit.record.event.empty();
    if (!whole) ++report_.unreadable;
    return whole;
  }

  // A lineage stands elsewhere: a hit without it is better than none.
  bool read_detail_of(StoredHit& hit) {
    auto detail = prepare_detail(from_);
    if (detail && read_detail(*detail, hit) && !hit.record.lineage.empty()) return true;
    auto without = from_.prepare("SELECT " DETECTD_DETAIL("'[]'") " FROM hit_detail WHERE hit_detail.n = ?1");
    if (!without || !read_detail(*without, hit)) return false;
    if (!hit.record.event.empty()) ++report_.unreadable;
    return true;
  }

  Status copy_hits() {
    const int64_t last = find_last();
    StoredHit hit;
    for (int64_t n = 1; n <= last;) {
      if (Status status = writer_.begin(); !status) return status;
      for (const int64_t end = std::min(n + kBatch, last + 1); n < end; ++n) {
        if (!read(n, hit)) continue;
        if (Status status = writer_.record(hit.record, now_ns_); !status) return status;
        ++report_.hits;
      }
      if (Status status = writer_.commit(); !status) return status;
    }
    return {};
  }

  Status copy_gaps() {
    auto rows =
        from_.prepare("SELECT time_ns, begin_ns, end_ns, lost, reason, host, event FROM gap ORDER BY n");
    if (!rows) {
      ++report_.unreadable;
      return {};
    }
    if (Status status = writer_.begin(); !status) return status;
    while (true) {
      const Result<bool> row = rows->step();
      if (!row) ++report_.unreadable;
      if (!row || !*row) break;
      GapRecord gap{.time_ns = rows->number(0),
                    .begin_ns = rows->number(1),
                    .end_ns = rows->number(2),
                    .lost = {},
                    .reason = {},
                    .host = {},
                    .event = {}};
      if (!rows->is_null(3)) gap.lost = rows->number(3);
      gap.reason = rows->text(4);
      gap.host = rows->text(5);
      gap.event = rows->text(6);
      if (Status status = writer_.record(gap); !status) return status;
      ++report_.gaps;
    }
    return writer_.commit();
  }

  Database& from_;
  HitWriter& writer_;
  int64_t now_ns_;
  RuleCache cache_;
  SalvageReport report_;
};

}  // namespace

Result<SalvageReport> salvage(const std::string& from, const std::string& to, int64_t now_ns) {
  if (access(to.c_str(), F_OK) == 0) {
    return Error{Errc::kSystem, escape_text(to) + " exists already; name a new file"};
  }
  Result<Database> source = Database::open(from, Database::Access::kRead);
  if (!source) return std::move(source).error();
  Result<Database> copy = Database::open(to, Database::Access::kCreate);
  if (!copy) return std::move(copy).error();
  if (Status status = prepare_to_write(*copy); !status) return std::move(status).error();
  Result<HitWriter> writer = HitWriter::open(*copy);
  if (!writer) return std::move(writer).error();
  if (Status status = writer->begin_run({.command = {"detectctl", "db", "salvage", from},
                                         .version = {},
                                         .rules_digest = {},
                                         .time_ns = now_ns});
      !status) {
    return std::move(status).error();
  }
  Salvager salvager(*source, *writer, now_ns);
  if (Status status = salvager.run(); !status) return std::move(status).error();
  const SalvageReport& report = salvager.report();
  Status ended = writer->end_run({.ending = "salvaged",
                                  .complete = false,
                                  .hits = report.hits,
                                  .gaps = report.gaps,
                                  .hits_digest = {},
                                  .time_ns = now_ns});
  if (!ended) return std::move(ended).error();
  return report;
}

}  // namespace detectd
