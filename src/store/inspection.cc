#include "src/store/inspection.h"

#include "engine/digest.h"
#include "engine/escape.h"
#include "src/store/hit_row.h"
#include "src/store/spill_file.h"

namespace detectd {
namespace {

#define DETECTD_SELECT_CHAIN(lineage) DETECTD_SELECT_HIT ", " DETECTD_DETAIL(lineage) ", hit_detail.chain"
#define DETECTD_JOIN_CHAIN \
  " FROM hit LEFT JOIN rule ON rule.n = hit.rule LEFT JOIN hit_detail ON hit_detail.n = hit.n"
constexpr const char* kChain =
    DETECTD_SELECT_CHAIN(DETECTD_LINEAGE) DETECTD_JOIN_CHAIN DETECTD_JOIN_LINEAGE " ORDER BY hit.n";
// Before schema 4.
constexpr const char* kOldChain =
    DETECTD_SELECT_CHAIN("hit_detail.lineage") DETECTD_JOIN_CHAIN " ORDER BY hit.n";
constexpr int kDetailColumn = kRuleColumn + 7;

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
  const Result<bool> shared = has_lineages(database);
  if (!shared) return shared.error();
  auto rows = database.prepare(*shared ? kChain : kOldChain);
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
    read_detail(*rows, kDetailColumn, hit.record);
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
