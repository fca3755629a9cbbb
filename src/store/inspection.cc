#include "src/store/inspection.h"

#include "engine/digest.h"
#include "engine/escape.h"
#include "src/store/hit_row.h"
#include "src/store/spill_file.h"

namespace detectd {
namespace {

constexpr const char* kChain = DETECTD_SELECT_HIT
    ", d.event, d.lineage, d.grouping, d.parts, d.parts_left_out, d.capture_file, d.capture_line, d.chain"
    " FROM hit LEFT JOIN rule ON rule.n = hit.rule LEFT JOIN hit_detail AS d ON d.n = hit.n ORDER BY hit.n";
constexpr int kDetailColumn = kRuleColumn + 7;

void read_detail(const Statement& row, HitRecord& record) {
  record.event = row.text(kDetailColumn);
  record.lineage = row.text(kDetailColumn + 1);
  record.grouping = row.text(kDetailColumn + 2);
  record.parts = row.text(kDetailColumn + 3);
  record.parts_left_out = row.number(kDetailColumn + 4);
  record.capture_file = row.text(kDetailColumn + 5);
  record.capture_line = row.number(kDetailColumn + 6);
}

}  // namespace

Result<std::vector<std::string>> check_integrity(const Database& database) {
  std::vector<std::string> found;
  auto check = database.prepare("PRAGMA integrity_check(100)");
  if (!check) return check.error();
  while (true) {
    const Result<bool> row = check->step();
    // Damage where the check itself begins.
    if (!row && code_of(row.error()) == "D401") found.push_back(row.error().message.substr(6));
    if (!row && code_of(row.error()) != "D401") return row.error();
    if (!row || !*row) return found;
    if (check->text(0) != "ok") found.push_back(escape_text(check->text(0)));
  }
}

Result<ChainReport> verify_chain(const Database& database) {
  ChainReport report;
  auto start = database.prepare("SELECT until_n, chain FROM pruned");
  if (!start) return start.error();
  const Result<bool> first = start->step();
  if (!first) return first.error();
  int64_t last_n = *first ? start->number(0) : 0;
  std::string chain(*first ? start->blob(1) : std::string_view());
  auto rows = database.prepare(kChain);
  if (!rows) return rows.error();
  RuleCache cache;
  StoredHit hit;
  Sha256Hasher hasher;
  std::string part;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return report;
    read_hit(*rows, cache, hit);
    read_detail(*rows, hit.record);
    part.clear();
    append_constant_part(hit.record, part);
    const Sha256 link = chain_link(chain, part, hasher);
    chain.assign(reinterpret_cast<const char*>(link.data()), link.size());
    if (hit.n != last_n + 1 || rows->blob(kDetailColumn + 7) != chain) {
      report.broken_at = hit.n;
      return report;
    }
    last_n = hit.n;
    ++report.hits;
  }
}

Result<DatabaseStatistics> read_statistics(const Database& database) {
  DatabaseStatistics statistics;
  const auto read = [&database](const char* sql, auto& into) -> Status {
    const Result<int64_t> number = database.query_number(sql);
    if (!number) return number.error();
    into = static_cast<std::decay_t<decltype(into)>>(*number);
    return {};
  };
  for (const auto& [sql, into] :
       {std::pair("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                  &statistics.bytes),
        std::pair("SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
                  &statistics.free_bytes),
        std::pair("SELECT count(*) FROM hit INDEXED BY hit_by_time", &statistics.hits),
        std::pair("SELECT count(*) FROM rule", &statistics.rules),
        std::pair("SELECT count(*) FROM run", &statistics.runs),
        std::pair("SELECT count(*) FROM gap", &statistics.gaps),
        std::pair("SELECT hits FROM pruned", &statistics.pruned)}) {
    if (Status status = read(sql, *into); !status) return std::move(status).error();
  }
  if (Status status = read("PRAGMA user_version", statistics.schema); !status)
    return std::move(status).error();
  if (statistics.hits != 0) {
    int64_t first_ns = 0, last_ns = 0;
    if (Status status = read("SELECT min(time_ns) FROM hit", first_ns); !status)
      return std::move(status).error();
    if (Status status = read("SELECT max(time_ns) FROM hit", last_ns); !status)
      return std::move(status).error();
    statistics.first_ns = first_ns;
    statistics.last_ns = last_ns;
  }
  statistics.waiting = SpillFile::count_hits(spill_path_of(database.path()));
  return statistics;
}

}  // namespace detectd
