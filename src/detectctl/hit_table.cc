#include "src/detectctl/hit_table.h"

#include <algorithm>

#include "engine/escape.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

constexpr size_t kWideColumns = 150;
constexpr std::string_view kGap = "  ";
// Of a listing: number, time, level, rule, process, user; the command line takes the rest.
constexpr size_t kMaxWidths[] = {12, 40, 8, 32, 36, 14};
constexpr size_t kMaxChosenColumns = 60;
enum Cell : size_t { kNumber, kTime, kLevel, kRule, kProcess, kUser, kCommand, kCellCount };

std::string_view color_of(Level level) {
  switch (level) {
    case Level::kCritical: return "\x1b[1;37;41m";
    case Level::kHigh: return "\x1b[1;31m";
    case Level::kMedium: return "\x1b[33m";
    case Level::kLow: return "\x1b[36m";
    case Level::kInformational: return "\x1b[2m";
  }
  return {};
}

void trim_right(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

std::string right(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

}  // namespace

std::string paint(const Terminal& terminal, Level level, std::string text) {
  if (!terminal.color) return text;
  const size_t size = text.find_last_not_of(' ') + 1;
  const std::string blanks = text.substr(size);
  text.resize(size);
  return std::string(color_of(level)) + text + "\x1b[0m" + blanks;
}

void HitTable::grow(const Row& row) {
  widths_.resize(std::max(widths_.size(), row.cells.size()));
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const size_t bound =
        columns_.empty() ? (i < std::size(kMaxWidths) ? kMaxWidths[i] : 0) : kMaxChosenColumns;
    widths_[i] = std::max(widths_[i], std::min(display_width(row.cells[i]), bound));
  }
}

void HitTable::show_row(const Row& row) {
  const size_t columns = terminal_.columns;
  std::string line;
  for (size_t i = 0; i < row.cells.size(); ++i) {
    const bool last = i + 1 == row.cells.size();
    // Off a terminal the text is data: padded, never cut.
    const size_t width = columns != 0 ? widths_[i] : std::max(widths_[i], display_width(row.cells[i]));
    std::string cell = last ? row.cells[i] : fit(row.cells[i], width);
    if (columns_.empty() && i == kNumber) cell = right(row.cells[i], widths_[i]);
    if (i != 0) line += kGap;
    if (last && columns != 0) cell = cut(cell, columns - std::min(columns, display_width(line)));
    line += cell;
  }
  if (columns != 0) line = cut(line, columns);
  trim_right(line);
  if (columns_.empty() && terminal_.color) {
    const size_t place = widths_[kNumber] + widths_[kTime] + 2 * kGap.size();
    const std::string level = line.substr(place, row.cells[kLevel].size());
    line.replace(place, level.size(), paint(terminal_, row.level, level));
  }
  output_.write(line + "\n");
}

void HitTable::show_row_on_two_lines(const Row& row) {
  const size_t columns = terminal_.columns;
  const std::string indent(widths_[kNumber] + kGap.size(), ' ');
  std::string head = right(row.cells[kNumber], widths_[kNumber]) + std::string(kGap) +
                     fit(row.cells[kTime], widths_[kTime]) + std::string(kGap);
  const std::string level = fit(row.cells[kLevel], widths_[kLevel]);
  std::string rest =
      std::string(kGap) + row.cells[kRule] + (row.cells[kUser].empty() ? "" : "  " + row.cells[kUser]);
  const size_t used = display_width(head) + display_width(level);
  rest = cut(rest, columns - std::min(columns, used));
  trim_right(rest);
  output_.write(head + paint(terminal_, row.level, level) + rest + "\n");
  std::string second = indent + cut(row.cells[kProcess], columns / 2);
  if (!row.cells[kCommand].empty()) second += ": " + row.cells[kCommand];
  output_.write(cut(second, columns) + "\n");
}

void HitTable::show_names() {
  Row names;
  for (const HitColumn* column : columns_) names.cells.emplace_back(column->name);
  grow(names);
  show_row(names);
}

void HitTable::show(const std::vector<StoredHit>& hits) {
  std::vector<Row> rows;
  for (const StoredHit& hit : hits) {
    const HitRecord& record = hit.record;
    Row& row = rows.emplace_back();
    row.level = record.rule->level;
    for (const HitColumn* column : columns_) row.cells.push_back(column->text(hit));
    if (!columns_.empty()) continue;
    row.cells.resize(kCellCount);
    row.cells[kNumber] = std::to_string(hit.n);
    row.cells[kTime] = format_time(record.time_ns);
    row.cells[kLevel] = short_name(record.rule->level);
    row.cells[kRule] = rule_text(*record.rule);
    row.cells[kProcess] = process_text(record);
    row.cells[kUser] = user_text(record);
    row.cells[kCommand] = command_text(record);
    if (record.count > 1) row.cells[kCommand] += " [" + with_separators(record.count) + " times]";
  }
  for (const Row& row : rows) grow(row);
  if (!columns_.empty() && !std::exchange(named_, true)) show_names();
  const bool narrow = columns_.empty() && terminal_.columns != 0 && terminal_.columns < kWideColumns;
  for (const Row& row : rows) {
    if (narrow) {
      show_row_on_two_lines(row);
    } else {
      show_row(row);
    }
  }
}

}  // namespace detectd
