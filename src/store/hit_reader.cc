#include "src/store/hit_reader.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <span>
#include <unordered_map>

#include "engine/escape.h"
#include "engine/process.h"
#include "src/store/hit_row.h"
#include "src/store/schema.h"
#include "src/store/spill_file.h"

namespace detectd {
namespace {

// The index of times gives the order; that of rules the fewest rows where only some rules are meant. There SQLite would
// leave the inner order out but for the limit, which is none.
constexpr const char* kByTime = DETECTD_SELECT_HIT
    " FROM hit INDEXED BY hit_by_time CROSS JOIN rule ON rule.n = hit.rule"
    " WHERE hit.time_ns >= ?1 AND hit.time_ns < ?2 ORDER BY hit.time_ns, hit.id";
constexpr const char* kByTimeBackwards = DETECTD_SELECT_HIT
    " FROM hit INDEXED BY hit_by_time CROSS JOIN rule ON rule.n = hit.rule"
    " WHERE hit.time_ns >= ?1 AND hit.time_ns < ?2 ORDER BY hit.time_ns DESC, hit.id DESC";
constexpr const char* kByRule = DETECTD_SELECT_HIT
    " FROM (SELECT n AS chosen FROM hit INDEXED BY hit_by_rule"
    " WHERE rule IN (SELECT value FROM json_each(?3)) AND time_ns >= ?1 AND time_ns < ?2 ORDER BY time_ns, n "
    "LIMIT -1)"
    " CROSS JOIN hit ON hit.n = chosen CROSS JOIN rule ON rule.n = hit.rule";
constexpr const char* kByRuleBackwards = DETECTD_SELECT_HIT
    " FROM (SELECT n AS chosen FROM hit INDEXED BY hit_by_rule"
    " WHERE rule IN (SELECT value FROM json_each(?3)) AND time_ns >= ?1 AND time_ns < ?2"
    " ORDER BY time_ns DESC, n DESC LIMIT -1)"
    " CROSS JOIN hit ON hit.n = chosen CROSS JOIN rule ON rule.n = hit.rule";
constexpr const char* kAfter = DETECTD_SELECT_HIT
    " FROM hit CROSS JOIN rule ON rule.n = hit.rule"
    " WHERE hit.n > ?4 AND hit.time_ns >= ?1 AND hit.time_ns < ?2 ORDER BY hit.n";

// Of an ancestor's command line.
constexpr size_t kShownCommandBytes = 4096;

int64_t since(const HitFilter& filter) {
  return filter.since_ns.value_or(std::numeric_limits<int64_t>::min());
}
int64_t until(const HitFilter& filter) {
  return filter.until_ns.value_or(std::numeric_limits<int64_t>::max());
}

bool is_user(const HitRecord& hit, const std::string& user) {
  return hit.user_name == user || hit.user_id == user;
}

bool shows(const HitRecord& hit, const Regex& text) {
  const std::string* const shown[] = {&hit.command_line, &hit.executable,  &hit.name,     &hit.parent_name,
                                      &hit.target_name,  &hit.user_name,   &hit.user_id,  &hit.host,
                                      &hit.rule->name,   &hit.rule->title, &hit.rule->id, &hit.rule->tags,
                                      &hit.event,        &hit.response};
  return std::any_of(std::begin(shown), std::end(shown),
                     [&text](const std::string* part) { return text.matches(*part); });
}

std::string text_or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string group_of(GroupBy group, const HitRecord& hit) {
  switch (group) {
    case GroupBy::kRule: return hit.rule->name.empty() ? hit.rule->title : hit.rule->name;
    case GroupBy::kLevel: return std::string(to_string(hit.rule->level));
    case GroupBy::kUser: return text_or_dash(hit.user_name.empty() ? hit.user_id : hit.user_name);
    case GroupBy::kHost: return text_or_dash(hit.host);
    case GroupBy::kExecutable: return text_or_dash(hit.executable.empty() ? hit.name : hit.executable);
    case GroupBy::kParent: return text_or_dash(hit.parent_name);
  }
  return {};
}

void add(HitCount& total, const HitCount& more) {
  if (more.hits == 0) return;
  total.first_ns = total.hits == 0 ? more.first_ns : std::min(total.first_ns, more.first_ns);
  total.last_ns = total.hits == 0 ? more.last_ns : std::max(total.last_ns, more.last_ns);
  total.level = std::max(total.level, more.level);
  total.hits += more.hits;
  total.repeats += more.repeats;
}

// Counts by name, of a bounded number of names.
class Groups {
 public:
  void add_to(const std::string& name, const HitCount& count) {
    const auto known = counts_.find(name);
    if (known != counts_.end()) return add(known->second, count);
    if (counts_.size() == HitReader::kMaxGroups) return add(others_, count);
    counts_.emplace(name, count);
  }
  std::vector<HitReader::Group> take() {
    std::vector<HitReader::Group> groups;
    for (auto& [name, count] : counts_) groups.push_back({escape_text(name), count});
    if (others_.hits != 0) groups.push_back({"(others)", others_});
    return groups;
  }

 private:
  std::unordered_map<std::string, HitCount> counts_;
  HitCount others_;
};

int64_t floor_to(int64_t time_ns, int64_t width_ns, int64_t offset_ns) {
  const int64_t local = time_ns + offset_ns;
  const int64_t rest = ((local % width_ns) + width_ns) % width_ns;
  return time_ns - rest;
}

}  // namespace

Result<HitReader> HitReader::open(const std::string& path) {
  Result<Database> database = Database::open(path, Database::Access::kRead);
  if (!database) return std::move(database).error();
  if (Status status = check_readable(*database); !status) return std::move(status).error();
  return HitReader(std::move(*database));
}

Result<std::optional<std::string>> HitReader::chosen_rules(const HitFilter& filter) const {
  if (filter.rules.empty() && !filter.min_level) return std::optional<std::string>();
  auto rules = database_->prepare("SELECT n, id, name, title, level FROM rule");
  if (!rules) return rules.error();
  std::string chosen = "[";
  while (true) {
    const Result<bool> row = rules->step();
    if (!row) return row.error();
    if (!*row) break;
    const bool named =
        filter.rules.empty() ||
        std::any_of(filter.rules.begin(), filter.rules.end(), [&](const std::string& wanted) {
          return wanted == rules->text(1) || wanted == rules->text(2) || wanted == rules->text(3);
        });
    const bool high = !filter.min_level || rules->number(4) >= static_cast<int64_t>(*filter.min_level);
    if (named && high) chosen += (chosen.size() > 1 ? "," : "") + std::to_string(rules->number(0));
  }
  return std::optional(chosen + "]");
}

Status HitReader::list(const HitFilter& filter, const ListOptions& options, const Take& take) const {
  const Result<std::optional<std::string>> rules = chosen_rules(filter);
  if (!rules) return rules.error();
  const bool backwards = options.order == Order::kNewestFirst;
  const char* sql = backwards ? kByTimeBackwards : kByTime;
  if (*rules) sql = backwards ? kByRuleBackwards : kByRule;
  if (options.after_n) sql = kAfter;
  auto rows = database_->prepare(sql);
  if (!rows) return std::move(rows).error();
  auto detail = prepare_detail(*database_);
  if (!detail) return std::move(detail).error();
  rows->bind(1, since(filter)).bind(2, until(filter));
  if (*rules && !options.after_n) rows->bind(3, std::string_view(**rules));
  if (options.after_n) rows->bind(4, *options.after_n);
  RuleCache cache;
  StoredHit hit;
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    read_hit(*rows, cache, hit);
    if (!filter.user.empty() && !is_user(hit.record, filter.user)) continue;
    if (!filter.host.empty() && hit.record.host != filter.host) continue;
    if (filter.unacknowledged && hit.acknowledged_ns) continue;
    if (options.after_n && *rules && !names(**rules, rows->number(kRuleColumn))) continue;
    if (options.detail || filter.grep != nullptr) {
      if (Status status = read_detail(*detail, hit); !status) return status;
    }
    if (filter.grep != nullptr && !shows(hit.record, *filter.grep)) continue;
    if (!take(hit)) return {};
  }
}

Result<StoredHit> HitReader::find(const std::string& number_or_id) const {
  int64_t n = 0;
  const char* const end = number_or_id.data() + number_or_id.size();
  const auto [stop, problem] = std::from_chars(number_or_id.data(), end, n);
  const bool is_number = problem == std::errc{} && stop == end && n > 0 && number_or_id.size() < 19;
  const std::optional<std::string> id = is_number ? std::nullopt : bytes_of_hex(number_or_id, sizeof(HitId));
  if (!is_number && !id) {
    return Error{Errc::kUsage, "`" + escape_text(number_or_id) +
                                   "` is neither the number of a hit nor an id of 32 hexadecimal digits"};
  }
  if (id) {
    auto search = database_->prepare("SELECT n FROM hit INDEXED BY hit_by_time WHERE id = ?1");
    if (!search) return search.error();
    const Result<bool> row = search->bind_blob(1, *id).step();
    if (!row) return row.error();
    n = *row ? search->number(0) : 0;
  }
  auto select =
      database_->prepare(DETECTD_SELECT_HIT " FROM hit JOIN rule ON rule.n = hit.rule WHERE hit.n = ?1");
  if (!select) return select.error();
  const Result<bool> row = select->bind(1, n).step();
  if (!row) return row.error();
  if (!*row)
    return Error{Errc::kNotFound,
                 "there is no hit " + number_or_id + " in " + escape_text(database_->path())};
  RuleCache cache;
  StoredHit hit;
  read_hit(*select, cache, hit);
  auto detail = prepare_detail(*database_);
  if (!detail) return detail.error();
  if (Status status = read_detail(*detail, hit); !status) return std::move(status).error();
  return hit;
}

Result<std::vector<StoredHit>> HitReader::relatives(const StoredHit& hit, size_t max) const {
  // Not a descendant of anybody known: alone.
  if (!hit.record.family) return std::vector<StoredHit>{hit};
  // A family can be as large as a host: what is looked through is bounded, and nearest in time first.
  constexpr int64_t kLookedThrough = 50'000;
  std::vector<StoredHit> found;
  auto detail = prepare_detail(*database_);
  if (!detail) return detail.error();
  for (const char* sql :
       {DETECTD_SELECT_HIT
        " FROM (SELECT n AS near, family FROM hit INDEXED BY hit_by_time WHERE time_ns <= ?1"
        " ORDER BY time_ns DESC, id DESC LIMIT ?3) AS looked"
        " CROSS JOIN hit ON hit.n = near AND looked.family = ?2 CROSS JOIN rule ON rule.n = hit.rule",
        DETECTD_SELECT_HIT
        " FROM (SELECT n AS near, family FROM hit INDEXED BY hit_by_time WHERE time_ns > ?1"
        " ORDER BY time_ns, id LIMIT ?3) AS looked"
        " CROSS JOIN hit ON hit.n = near AND looked.family = ?2 CROSS JOIN rule ON rule.n = hit.rule"}) {
    auto rows = database_->prepare(sql);
    if (!rows) return rows.error();
    rows->bind(1, hit.record.time_ns).bind(2, *hit.record.family).bind(3, kLookedThrough);
    RuleCache cache;
    for (size_t i = 0; i < (max + 1) / 2; ++i) {
      const Result<bool> row = rows->step();
      if (!row) return row.error();
      if (!*row) break;
      read_hit(*rows, cache, found.emplace_back());
      if (Status status = read_detail(*detail, found.back()); !status) return std::move(status).error();
    }
  }
  std::sort(found.begin(), found.end(), [](const StoredHit& a, const StoredHit& b) {
    return std::pair(a.record.time_ns, a.n) < std::pair(b.record.time_ns, b.n);
  });
  return found;
}

Result<std::vector<StoredAncestor>> HitReader::ancestors(const StoredHit& hit) const {
  std::vector<StoredAncestor> found;
  // A document that is none, of a database that somebody else wrote, has no ancestors.
  auto rows = database_->prepare(
      "SELECT value ->> '$.pid', value ->> '$.entity_id', value ->> '$.name', value ->> '$.command_line',"
      " coalesce(value ->> '$.user.name', value ->> '$.user.id') FROM json_each(iif(json_valid(?1), ?1, "
      "'[]'))");
  if (!rows) return rows.error();
  rows->bind(1, std::string_view(hit.record.lineage));
  while (found.size() < kMaxAncestors) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    StoredAncestor& ancestor = found.emplace_back();
    if (!rows->is_null(0)) ancestor.pid = rows->number(0);
    ancestor.entity_id = escape_text(rows->text(1));
    ancestor.name = escape_text(rows->text(2));
    ancestor.command_line = escape_text(rows->text(3).substr(0, kShownCommandBytes));
    ancestor.user = escape_text(rows->text(4));
  }
  return found;
}

Result<std::vector<HitReader::StoredField>> HitReader::lineage_fields(const StoredHit& hit) const {
  std::vector<StoredField> fields;
  const auto add = [&](const char* sql, std::span<const char* const> names) -> Status {
    auto row = database_->prepare(sql);
    if (!row) return std::move(row).error();
    const Result<bool> there = row->bind(1, std::string_view(hit.record.lineage)).step();
    if (!there) return there.error();
    for (size_t i = 0; *there && i < names.size(); ++i) {
      const int column = static_cast<int>(i);
      if (!row->is_null(column)) fields.push_back({names[i], std::string(row->text(column))});
    }
    return {};
  };
  constexpr const char* kParent[] = {"process.parent.pid",          "process.parent.entity_id",
                                     "process.parent.name",         "process.parent.executable",
                                     "process.parent.command_line", "process.parent.user.id",
                                     "process.parent.user.name"};
  constexpr const char* kAncestors[] = {"process.ancestors.pid", "process.ancestors.entity_id",
                                        "process.ancestors.name", "process.ancestors.executable",
                                        "process.ancestors.command_line"};
  Status status =
      add("SELECT value -> '$.pid', value -> '$.entity_id', value -> '$.name', value -> '$.executable',"
          " value -> '$.command_line', value -> '$.user.id', value -> '$.user.name'"
          " FROM json_each(iif(json_valid(?1), ?1, '[]')) WHERE key = 0",
          kParent);
  if (!status) return std::move(status).error();
  // An ancestor of which something is not known has a null there, so that the lists stay side by side.
  status =
      add("SELECT iif(count(value ->> '$.pid') = 0, NULL, json_group_array(value ->> '$.pid')),"
          " iif(count(value ->> '$.entity_id') = 0, NULL, json_group_array(value ->> '$.entity_id')),"
          " iif(count(value ->> '$.name') = 0, NULL, json_group_array(value ->> '$.name')),"
          " iif(count(value ->> '$.executable') = 0, NULL, json_group_array(value ->> '$.executable')),"
          " iif(count(value ->> '$.command_line') = 0, NULL, json_group_array(value ->> '$.command_line'))"
          " FROM json_each(iif(json_valid(?1), ?1, '[]'))",
          kAncestors);
  if (!status) return std::move(status).error();
  return fields;
}

Result<std::vector<StoredPart>> HitReader::parts(const StoredHit& hit, size_t max) const {
  std::vector<StoredPart> found;
  auto rows = database_->prepare(
      "SELECT value ->> '$.\"@timestamp\"', coalesce(value ->> '$.rule.name', value ->> '$.rule.id'),"
      " coalesce(value ->> '$.event.process.command_line', value ->> '$.event.process.name', '')"
      " FROM json_each(iif(json_valid(?1), ?1, '[]'))");
  if (!rows) return rows.error();
  rows->bind(1, std::string_view(hit.record.parts));
  while (found.size() < max) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    found.push_back({escape_text(rows->text(0)), escape_text(rows->text(1)),
                     escape_text(rows->text(2).substr(0, kShownCommandBytes))});
  }
  return found;
}

Result<int64_t> HitReader::last_number() const {
  return database_->query_number("SELECT coalesce(max(n), 0) FROM hit");
}

Status HitReader::scan_index(const HitFilter& filter,
                             const std::function<void(int64_t, int64_t, int64_t)>& take) const {
  const Result<std::optional<std::string>> rules = chosen_rules(filter);
  if (!rules) return rules.error();
  auto rows = database_->prepare(
      *rules ? "SELECT rule, time_ns, count FROM hit INDEXED BY hit_by_rule"
               " WHERE rule IN (SELECT value FROM json_each(?3)) AND time_ns >= ?1 AND time_ns < ?2"
             : "SELECT rule, time_ns, count FROM hit INDEXED BY hit_by_rule"
               " WHERE rule IN (SELECT n FROM rule) AND time_ns >= ?1 AND time_ns < ?2");
  if (!rows) return std::move(rows).error();
  rows->bind(1, since(filter)).bind(2, until(filter));
  if (*rules) rows->bind(3, std::string_view(**rules));
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    take(rows->number(0), rows->number(1), rows->number(2));
  }
}

Result<std::vector<HitReader::Group>> HitReader::count_by_rule(GroupBy group, const HitFilter& filter) const {
  std::map<int64_t, HitCount> counts;
  HitCount* last = nullptr;
  int64_t last_rule = 0;
  Status status = scan_index(filter, [&](int64_t rule, int64_t time_ns, int64_t count) {
    if (last == nullptr || rule != last_rule) {
      last = &counts[rule];
      last_rule = rule;
    }
    if (last->hits == 0) last->first_ns = time_ns;
    last->last_ns = time_ns;
    ++last->hits;
    last->repeats += static_cast<uint64_t>(count - 1);
  });
  if (!status) return std::move(status).error();
  Groups groups;
  auto rule = database_->prepare("SELECT id, name, title, level FROM rule WHERE n = ?1");
  if (!rule) return rule.error();
  for (auto& [n, count] : counts) {
    const Result<bool> row = rule->bind(1, n).step();
    if (!row) return row.error();
    HitRecord named;
    RuleRecord told{.id = std::string(rule->text(0)),
                    .name = std::string(rule->text(1)),
                    .title = std::string(rule->text(2)),
                    .level = level_of(rule->number(3)),
                    .tags = {},
                    .digest = {}};
    count.level = told.level;
    named.rule = std::make_shared<const RuleRecord>(std::move(told));
    groups.add_to(group_of(group, named), count);
    rule->reset();
  }
  return groups.take();
}

Result<std::vector<HitReader::Group>> HitReader::count_by(GroupBy group, const HitFilter& filter) const {
  const bool of_rules = group == GroupBy::kRule || group == GroupBy::kLevel;
  if (of_rules && !filter.looks_into_hits()) return count_by_rule(group, filter);
  Groups groups;
  Status status = list(filter, {}, [&](const StoredHit& hit) {
    const int64_t time_ns = hit.record.time_ns;
    groups.add_to(group_of(group, hit.record), {.hits = 1,
                                                .repeats = hit.record.count - 1,
                                                .first_ns = time_ns,
                                                .last_ns = time_ns,
                                                .level = hit.record.rule->level});
    return true;
  });
  if (!status) return std::move(status).error();
  return groups.take();
}

Result<std::vector<HitReader::Bucket>> HitReader::timeline(int64_t width_ns, int64_t offset_ns,
                                                           const HitFilter& filter) const {
  std::unordered_map<int64_t, Bucket> buckets;
  const auto count = [&](int64_t time_ns, Level level) {
    const int64_t begin_ns = floor_to(time_ns, width_ns, offset_ns);
    Bucket& bucket = buckets[begin_ns];
    bucket.begin_ns = begin_ns;
    ++bucket.hits[static_cast<size_t>(level)];
  };
  Status status;
  if (filter.looks_into_hits()) {
    status = list(filter, {}, [&](const StoredHit& hit) {
      count(hit.record.time_ns, hit.record.rule->level);
      return true;
    });
  } else {
    std::unordered_map<int64_t, Level> levels;
    auto rules = database_->prepare("SELECT n, level FROM rule");
    if (!rules) return rules.error();
    for (Result<bool> row = rules->step(); row && *row; row = rules->step()) {
      levels.emplace(rules->number(0), level_of(rules->number(1)));
    }
    status =
        scan_index(filter, [&](int64_t rule, int64_t time_ns, int64_t) { count(time_ns, levels[rule]); });
  }
  if (!status) return std::move(status).error();
  std::vector<Bucket> sorted;
  for (const auto& [begin_ns, bucket] : buckets) sorted.push_back(bucket);
  std::sort(sorted.begin(), sorted.end(),
            [](const Bucket& a, const Bucket& b) { return a.begin_ns < b.begin_ns; });
  return sorted;
}

Result<std::optional<HitReader::Range>> HitReader::range(const HitFilter& filter) const {
  Range range;
  for (const auto& [sql, time_ns] :
       {std::pair("SELECT min(time_ns) FROM hit INDEXED BY hit_by_time WHERE time_ns >= ?1 AND time_ns < ?2",
                  &range.first_ns),
        std::pair("SELECT max(time_ns) FROM hit INDEXED BY hit_by_time WHERE time_ns >= ?1 AND time_ns < ?2",
                  &range.last_ns)}) {
    auto select = database_->prepare(sql);
    if (!select) return select.error();
    const Result<bool> row = select->bind(1, since(filter)).bind(2, until(filter)).step();
    if (!row) return row.error();
    if (select->is_null(0)) return std::optional<Range>();
    *time_ns = select->number(0);
  }
  return std::optional(range);
}

Status HitReader::gaps(const HitFilter& filter, const std::function<bool(const StoredGap&)>& take) const {
  auto rows = database_->prepare(
      "SELECT time_ns, begin_ns, end_ns, lost, reason, host, event, run FROM gap"
      " WHERE end_ns >= ?1 AND begin_ns < ?2 AND (?3 = '' OR host = ?3) ORDER BY begin_ns, n");
  if (!rows) return std::move(rows).error();
  rows->bind(1, since(filter)).bind(2, until(filter)).bind(3, std::string_view(filter.host));
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    StoredGap gap;
    gap.record.time_ns = rows->number(0);
    gap.record.begin_ns = rows->number(1);
    gap.record.end_ns = rows->number(2);
    if (!rows->is_null(3)) gap.record.lost = rows->number(3);
    gap.record.reason = rows->text(4);
    gap.record.host = rows->text(5);
    gap.record.event = rows->text(6);
    gap.run = rows->number(7);
    if (!take(gap)) return {};
  }
}

Result<Completeness> HitReader::completeness(const HitFilter& filter) const {
  Completeness told;
  auto runs = database_->prepare(
      "SELECT count(*), count(*) FILTER (WHERE ended_ns IS NULL), count(*) FILTER (WHERE ending <> 'end'),"
      " coalesce(sum(skipped), 0) FROM run");
  if (!runs) return runs.error();
  if (const Result<bool> row = runs->step(); !row) return row.error();
  told.runs = static_cast<uint64_t>(runs->number(0));
  told.open_runs = static_cast<uint64_t>(runs->number(1));
  told.incomplete_runs = static_cast<uint64_t>(runs->number(2));
  told.skipped = static_cast<uint64_t>(runs->number(3));
  Status status = gaps(filter, [&told](const StoredGap& gap) {
    ++told.gaps;
    if (gap.record.lost && *gap.record.lost >= 0) {
      told.lost += static_cast<uint64_t>(*gap.record.lost);
    } else {
      ++told.uncounted_gaps;
    }
    return true;
  });
  if (!status) return std::move(status).error();
  auto pruned = database_->prepare("SELECT hits, last_time_ns FROM pruned");
  if (!pruned) return pruned.error();
  if (const Result<bool> row = pruned->step(); !row) return row.error();
  told.pruned = static_cast<uint64_t>(pruned->number(0));
  if (!pruned->is_null(1)) told.pruned_until_ns = pruned->number(1);
  told.waiting = SpillFile::count_hits(spill_path_of(database_->path()));
  return told;
}

}  // namespace detectd
