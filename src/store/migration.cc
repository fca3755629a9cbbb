#include "src/store/migration.h"

#include <memory>

#include "engine/escape.h"
#include "src/store/hit_writer.h"

namespace detectd {
namespace {

// Schema 1 kept texts as they were.
std::string text_of(const Statement& row, int column) { return escape_text(row.text(column)); }

void read_id(std::string_view hex, HitId& id) {
  const auto digit = [](char c) { return static_cast<uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (size_t i = 0; i < id.size() && 2 * i + 1 < hex.size(); ++i) {
    id[i] = static_cast<uint8_t>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  }
}

HitRecord read_first_schema(const Statement& row) {
  HitRecord record;
  RuleRecord rule{.id = text_of(row, 1),
                  .name = {},
                  .title = text_of(row, 2),
                  .level = Level::kMedium,
                  .tags = "[]",
                  .digest = {}};
  rule.level = find_level(row.text(3)).value_or(Level::kMedium);
  record.rule = std::make_shared<const RuleRecord>(std::move(rule));
  read_id(row.text(0), record.id);
  record.time_ns = row.number(4);
  record.kind = "exec";
  record.host = text_of(row, 5);
  if (!row.is_null(6)) record.pid = row.number(6);
  record.entity_id = text_of(row, 7);
  record.executable = text_of(row, 8);
  record.name = record.executable.substr(record.executable.rfind('/') + 1);
  record.command_line = text_of(row, 9);
  record.user_name = text_of(row, 10);
  record.event = row.text(11);
  record.lineage = row.text(12);
  record.count = static_cast<uint64_t>(row.number(13));
  record.first_ns = row.number(14);
  record.last_ns = row.number(15);
  return record;
}

}  // namespace

Status take_over_first_schema(Database& database) {
  Result<HitWriter> writer = HitWriter::open(database);
  if (!writer) return std::move(writer).error();
  if (Status status =
          writer->begin_run({.command = {"schema 1"}, .version = {}, .rules_digest = {}, .time_ns = 0});
      !status) {
    return status;
  }
  if (Status status = writer->continue_chain(); !status) return status;
  auto rows = database.prepare(
      "SELECT id, rule_id, rule_title, level, time_ns, host, pid, entity_id, executable, command_line, user,"
      " event, lineage, count, first_ns, last_ns FROM hits_1 ORDER BY time_ns, id");
  if (!rows) return std::move(rows).error();
  while (true) {
    const Result<bool> row = rows->step();
    if (!row) return row.error();
    if (!*row) return {};
    const HitRecord record = read_first_schema(*rows);
    if (Status status = writer->record(record, record.time_ns); !status) return status;
  }
}

}  // namespace detectd
