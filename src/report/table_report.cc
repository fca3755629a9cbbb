#include "src/report/table_report.h"

#include <algorithm>
#include <cstdio>

#include "engine/escape.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

// From here on a hit fits one line with room for its command line.
constexpr size_t kWideColumns = 150;
constexpr std::string_view kGap = "  ";

// Bounds of the columns, so that one hostile name does not push the others away.
constexpr size_t kMaxLevelColumns = 8;
constexpr size_t kMaxRuleColumns = 32;
constexpr size_t kExpectedRuleColumns = 20;  // before any hit
constexpr size_t kMaxLineageColumns = 36;
constexpr size_t kMaxUserColumns = 14;

std::string_view short_name(Level level) {
  return level == Level::kInformational ? "info" : to_string(level);
}

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

void widen(size_t& columns, std::string_view text, size_t bound) {
  columns = std::max(columns, std::min(display_width(text), bound));
}

// Padded, but not cut: off a terminal the text is data.
std::string pad(std::string_view text, size_t columns) {
  return fit(text, std::max(columns, display_width(text)));
}

void trim_right(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

// What `part` is of it and `rest`.
std::string percent(uint64_t part, uint64_t rest) {
  char text[32];
  const double whole = static_cast<double>(part) + static_cast<double>(rest);
  const double share = whole == 0 ? 0 : 100.0 * static_cast<double>(part) / whole;
  std::snprintf(text, sizeof text, "%.2f %%", share);
  return text;
}

std::string completeness(const Summary& summary) {
  std::string text = with_separators(summary.skipped) + " skipped; ";
  if (summary.gaps == 0) return text + "0 lost";
  text += "sensor lost ";
  if (summary.lost == 0 && summary.uncounted_gaps != 0) {
    text += "an unknown number";
  } else {
    if (summary.uncounted_gaps != 0) text += "at least ";
    text += with_separators(summary.lost) + " (" + percent(summary.lost, summary.events) + ")";
  }
  return text + " in " + with_separators(summary.gaps) + (summary.gaps == 1 ? " gap" : " gaps");
}

std::string short_digest(const Sha256& digest) { return "sha256:" + hex(digest).substr(0, 12) + ".."; }

}  // namespace

TableReport::TableReport(Output& output, Options options) : output_(output), options_(options) {
  widths_.level = options.level_columns;
  widths_.rule = options.rule_columns;
}

void TableReport::fit_columns(std::span<const Rule* const> rules, Options& options) {
  for (const Rule* rule : rules) {
    widen(options.level_columns, short_name(rule->level), kMaxLevelColumns);
    widen(options.rule_columns, rule_text(*rule), kExpectedRuleColumns);
  }
}

std::string TableReport::paint(Level level, std::string text) const {
  if (!options_.terminal.color) return text;
  const size_t blanks = text.size() - std::min(text.find_last_not_of(' ') + 1, text.size());
  text.resize(text.size() - blanks);
  return std::string(color_of(level)) + text + "\x1b[0m" + std::string(blanks, ' ');
}

TableReport::Row TableReport::make_row(const Hit& hit) const {
  const Event& event = *hit.event;
  Row row;
  row.time = format_time(hit.fold ? hit.last_ns : event.time_ns);
  row.severity = hit.rule->level;
  row.level = short_name(hit.rule->level);
  row.rule = rule_text(*hit.rule);
  row.lineage = lineage_text(event);
  row.user = user_text(event);
  row.command = hit_text(hit, kMaxCommandBytes);
  return row;
}

void TableReport::grow(const Row& row) {
  widen(widths_.time, row.time, 40);
  widen(widths_.level, row.level, kMaxLevelColumns);
  widen(widths_.rule, row.rule, kMaxRuleColumns);
  widen(widths_.lineage, row.lineage, kMaxLineageColumns);
  widen(widths_.user, row.user, kMaxUserColumns);
}

void TableReport::show_row(const Row& row) {
  const bool cutting = options_.terminal.columns != 0;
  const auto column = [cutting](std::string_view text, size_t columns) {
    return cutting ? fit(text, columns) : pad(text, columns);
  };
  std::string line = column(row.time, widths_.time) + " ";
  line += paint(row.severity, fit(row.level, widths_.level));
  for (const auto& [text, columns] :
       {std::pair(&row.rule, widths_.rule), std::pair(&row.lineage, widths_.lineage),
        std::pair(&row.user, widths_.user)}) {
    line += kGap;
    line += column(*text, columns);
  }
  line += kGap;
  if (cutting) {
    const size_t used =
        widths_.time + 1 + widths_.level + widths_.rule + widths_.lineage + widths_.user + 4 * kGap.size();
    line += cut(row.command, options_.terminal.columns - used);
  } else {
    line += row.command;
  }
  trim_right(line);
  output_.write(line + "\n");
}

void TableReport::show_row_on_two_lines(const Row& row) {
  const size_t columns = options_.terminal.columns;
  const size_t head = widths_.time + 1 + widths_.level + kGap.size();
  std::string line = row.time + " " + paint(row.severity, fit(row.level, widths_.level));
  line += kGap;
  const size_t rest = columns > head ? columns - head : 0;
  const std::string rule_and_user =
      row.user.empty() ? row.rule : fit(row.rule, widths_.rule) + std::string(kGap) + row.user;
  line += cut(rule_and_user, rest);
  trim_right(line);
  line += '\n';
  std::string second = "    " + cut(row.lineage, columns / 2);
  if (!row.command.empty()) second += ": " + row.command;
  line += cut(second, columns);
  output_.write(line + "\n");
}

void TableReport::show_hits(std::span<const Hit> hits) {
  if (!options_.hits) return;
  std::vector<Row> rows;
  rows.reserve(hits.size());
  for (const Hit& hit : hits) rows.push_back(make_row(hit));
  for (const Row& row : rows) grow(row);
  const bool narrow = options_.terminal.columns != 0 && options_.terminal.columns < kWideColumns;
  for (const Row& row : rows) {
    if (narrow) {
      show_row_on_two_lines(row);
    } else {
      show_row(row);
    }
  }
}

void TableReport::show_loss(const Event& event) {
  if (!options_.hits) return;
  const FieldView lost = event.find(field::kLost);
  const FieldView end = event.find(field::kEventEnd);
  const FieldView reason = event.find(field::kReason);
  std::string text = format_time(event.time_ns) + " lost  ";
  text +=
      lost.type == Type::kInteger && lost.number >= 0
          ? with_separators(static_cast<uint64_t>(lost.number)) + (lost.number == 1 ? " event" : " events")
          : std::string("an unknown number of events");
  if (end.has_value()) text += " until " + escape_text(end.text);
  if (reason.has_value()) text += " (" + escape_text(reason.text) + ")";
  const size_t columns = options_.terminal.columns;
  output_.write((columns == 0 ? text : cut(text, columns)) + "\n");
}

void TableReport::show_levels(const Summary& summary) {
  if (summary.hits == 0) return;
  bool one_day = true;
  std::string day;
  for (const LevelTotal& total : summary.levels) {
    if (total.hits == 0) continue;
    if (day.empty()) day = format_date(total.first_ns);
    one_day = one_day && format_date(total.first_ns) == day && format_date(total.last_ns) == day;
  }
  const auto time = [one_day](int64_t time_ns) {
    return one_day ? format_time_of_day(time_ns) : format_time(time_ns, 0);
  };
  size_t time_columns = 0;
  size_t count_columns = 4;
  for (const LevelTotal& total : summary.levels) {
    if (total.hits == 0) continue;
    time_columns = std::max(time_columns, time(total.first_ns).size());
    count_columns = std::max(count_columns, with_separators(total.hits).size());
  }
  const auto right = [](const std::string& text, size_t columns) {
    return std::string(columns - std::min(columns, text.size()), ' ') + text;
  };
  if (options_.hits) output_.write("\n");
  output_.write("level     " + right("hits", count_columns) + "  rules  " + fit("first", time_columns) +
                "  last\n");
  for (size_t i = kLevelCount; i-- > 0;) {
    const LevelTotal& total = summary.levels[i];
    if (total.hits == 0) continue;
    const auto level = static_cast<Level>(i);
    output_.write(paint(level, fit(short_name(level), 8)) + "  " +
                  right(with_separators(total.hits), count_columns) + "  " +
                  right(with_separators(total.rules), 5) + "  " + fit(time(total.first_ns), time_columns) +
                  "  " + time(total.last_ns) + "\n");
  }
}

void TableReport::show_summary(const Summary& summary) {
  if (!options_.summary) return;
  show_levels(summary);
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.1f", static_cast<double>(summary.elapsed_ns) / 1e9);
  output_.write(with_separators(summary.events) + (summary.events == 1 ? " event" : " events") + " in " +
                seconds + " s; " + completeness(summary) + "; rules " + short_digest(summary.rules_digest) +
                "; hits " +
                (summary.hits_digest ? short_digest(*summary.hits_digest) : "too many for a digest") + "\n");
}

}  // namespace detectd
