// Rows of the table `hit` and its neighbours, read into records.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "src/store/database.h"
#include "src/store/hit_reader.h"

namespace detectd {

// The columns that read_hit() expects.
#define DETECTD_SELECT_HIT                                                                               \
  "SELECT hit.n, hit.id, hit.time_ns, hit.kind, hit.host, hit.pid, hit.name, hit.parent_pid,"            \
  " hit.parent_name, hit.target_pid, hit.target_name, hit.entity_id, hit.executable, hit.command_line,"  \
  " hit.user_id, hit.user_name, hit.previous_user_id, hit.family, hit.count, hit.first_ns, hit.last_ns," \
  " hit.response, hit.response_target, hit.response_outcome, hit.acknowledged_ns, hit.note,"             \
  " hit.rule, rule.id, rule.name, rule.title, rule.level, rule.tags, rule.digest"
inline constexpr int kRuleColumn = 26;

// Of a row of hit_detail, which names a row of `lineage` or holds the text itself, `[...`.
#define DETECTD_LINEAGE \
  "CASE CAST(hit_detail.lineage AS INTEGER) WHEN 0 THEN hit_detail.lineage ELSE lineage.text END"
#define DETECTD_JOIN_LINEAGE " LEFT JOIN lineage ON lineage.n = CAST(hit_detail.lineage AS INTEGER)"
// The columns that read_detail() expects.
#define DETECTD_DETAIL(lineage)                                                                   \
  "hit_detail.event, " lineage                                                                    \
  ", hit_detail.grouping, hit_detail.parts, hit_detail.parts_left_out, hit_detail.capture_file, " \
  "hit_detail.capture_line"

using RuleCache = std::unordered_map<int64_t, std::shared_ptr<const RuleRecord>>;

// All but what read_detail() reads; what `hit` held before is overwritten.
void read_hit(const Statement& row, RuleCache& cache, StoredHit& hit);
// Finds what is beside a hit by its number, in a database of this schema or one that can be read as it is.
Result<Statement> prepare_detail(const Database& database);
// With that statement. A hit without that row has an empty event.
Status read_detail(Statement& detail, StoredHit& hit);
void read_detail(const Statement& row, int first_column, HitRecord& record);
// Whether lineages may stand in a table of their own.
Result<bool> has_lineages(const Database& database);

// A number of the table as a level, whatever it is.
Level level_of(int64_t number);
// Whether a JSON array of numbers has that one.
bool names(std::string_view numbers, int64_t number);
// Nothing for a text that is not `size` bytes in hexadecimal.
std::optional<std::string> bytes_of_hex(std::string_view hex, size_t size);

}  // namespace detectd
