#include "src/store/hit_row.h"

#include <algorithm>

namespace detectd {
namespace {

std::optional<int64_t> number_or_nothing(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.number(column));
}

std::shared_ptr<const RuleRecord> read_rule(const Statement& row, RuleCache& cache) {
  std::shared_ptr<const RuleRecord>& known = cache[row.number(kRuleColumn)];
  if (known == nullptr) {
    RuleRecord rule;
    rule.id = row.text(kRuleColumn + 1);
    rule.name = row.text(kRuleColumn + 2);
    rule.title = row.text(kRuleColumn + 3);
    rule.level = level_of(row.number(kRuleColumn + 4));
    rule.tags = row.text(kRuleColumn + 5);
    rule.digest = row.text(kRuleColumn + 6);
    known = std::make_shared<const RuleRecord>(std::move(rule));
  }
  return known;
}

}  // namespace

Level level_of(int64_t number) {
  return static_cast<Level>(std::clamp<int64_t>(number, 0, static_cast<int64_t>(Level::kCritical)));
}

bool names(std::string_view numbers, int64_t number) {
  const std::string wanted = std::to_string(number);
  for (size_t place = numbers.find(wanted); place != std::string_view::npos;
       place = numbers.find(wanted, place + 1)) {
    const char before = place == 0 ? '[' : numbers[place - 1];
    const char after = place + wanted.size() < numbers.size() ? numbers[place + wanted.size()] : ']';
    if ((before == '[' || before == ',') && (after == ']' || after == ',')) return true;
  }
  return false;
}

std::optional<std::string> bytes_of_hex(std::string_view hex, size_t size) {
  if (hex.size() != 2 * size) return std::nullopt;
  std::string bytes;
  unsigned value = 0;
  for (size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    unsigned digit = 0;
    if (c >= '0' && c <= '9') {
      digit = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      digit = static_cast<unsigned>(c - 'a') + 10;
    } else if (c >= 'A' && c <= 'F') {
      digit = static_cast<unsigned>(c - 'A') + 10;
    } else {
      return std::nullopt;
    }
    value = value << 4 | digit;
    if (i % 2 == 1) bytes += static_cast<char>(value & 0xFF);
  }
  return bytes;
}

void read_hit(const Statement& row, RuleCache& cache, StoredHit& hit) {
  HitRecord& record = hit.record;
  hit.n = row.number(0);
  const std::string_view id = row.blob(1);
  record.id = {};
  std::copy_n(id.begin(), std::min(id.size(), record.id.size()), record.id.begin());
  record.time_ns = row.number(2);
  record.kind = row.text(3);
  record.host = row.text(4);
  record.pid = number_or_nothing(row, 5);
  record.name = row.text(6);
  record.parent_pid = number_or_nothing(row, 7);
  record.parent_name = row.text(8);
  record.target_pid = number_or_nothing(row, 9);
  record.target_name = row.text(10);
  record.entity_id = row.text(11);
  record.executable = row.text(12);
  record.command_line = row.text(13);
  record.user_id = row.text(14);
  record.user_name = row.text(15);
  record.previous_user_id = row.text(16);
  record.family = number_or_nothing(row, 17);
  record.count = static_cast<uint64_t>(std::max<int64_t>(row.number(18), 1));
  record.first_ns = row.number(19);
  record.last_ns = row.number(20);
  record.response = row.text(21);
  record.response_target = row.text(22);
  record.response_outcome = row.text(23);
  hit.acknowledged_ns = number_or_nothing(row, 24);
  hit.note = row.text(25);
  record.rule = read_rule(row, cache);
}

Result<bool> has_lineages(const Database& database) {
  const Result<int64_t> version = database.query_number("PRAGMA user_version");
  if (!version) return version.error();
  constexpr int64_t kFirstWithLineages = 4;
  return *version >= kFirstWithLineages;
}

Result<Statement> prepare_detail(const Database& database) {
  const Result<bool> shared = has_lineages(database);
  if (!shared) return shared.error();
  return database.prepare(
      *shared ? "SELECT " DETECTD_DETAIL(DETECTD_LINEAGE) " FROM hit_detail" DETECTD_JOIN_LINEAGE
                                                          " WHERE hit_detail.n = ?1"
              : "SELECT " DETECTD_DETAIL("hit_detail.lineage") " FROM hit_detail WHERE hit_detail.n = ?1");
}

void read_detail(const Statement& row, int first_column, HitRecord& record) {
  record.event = row.text(first_column);
  record.lineage = row.text(first_column + 1);
  record.grouping = row.text(first_column + 2);
  record.parts = row.text(first_column + 3);
  record.parts_left_out = row.number(first_column + 4);
  record.capture_file = row.text(first_column + 5);
  record.capture_line = row.number(first_column + 6);
}

Status read_detail(Statement& detail, StoredHit& hit) {
  const Result<bool> row = detail.bind(1, hit.n).step();
  if (!row) return row.error();
  if (*row) {
    read_detail(detail, 0, hit.record);
  } else {
    HitRecord& record = hit.record;
    for (std::string* text :
         {&record.event, &record.lineage, &record.grouping, &record.parts, &record.capture_file}) {
      text->clear();
    }
    record.parts_left_out = record.capture_line = 0;
  }
  detail.reset();
  return {};
}

}  // namespace detectd
