#include "src/detectctl/report_document.h"

#include <algorithm>
#include <utility>

#include "engine/escape.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

using Kind = ReportBlock::Kind;

constexpr size_t kBarColumns = 50;

// No script runs, nothing is loaded, whatever slipped in.
constexpr std::string_view kHead =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
    "'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root { color-scheme: light dark; }\n"
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }\n"
    "h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }\n"
    "table { border-collapse: collapse; width: 100%; }\n"
    "div.table { overflow-x: auto; }\n"
    "th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }\n"
    "th { border-bottom: 1px solid #8886; white-space: nowrap; }\n"
    "td.text { overflow-wrap: anywhere; min-width: 14rem; }\n"
    "td.word, td.number { white-space: nowrap; }\n"
    "th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }\n"
    "td.critical { font-weight: bold; color: light-dark(#b00020, #ff6b6b); }\n"
    "td.high { color: light-dark(#a33c00, #ffa35c); }\n"
    "pre { overflow-x: auto; padding: .8rem; background: #8881; }\n"
    "div.bar { height: .9rem; background: #c33; min-width: 2px; }\n"
    "tr.bar td { padding-top: 1px; padding-bottom: 1px; vertical-align: middle; }\n"
    "tr.bar td:last-child { width: 100%; padding-right: 0; min-width: 6rem; }\n"
    "</style>\n";

std::string html_escaped(std::string_view text) {
  std::string shown;
  for (const char c : escape_text(text)) {
    switch (c) {
      case '&': shown += "&amp;"; break;
      case '<': shown += "&lt;"; break;
      case '>': shown += "&gt;"; break;
      case '"': shown += "&quot;"; break;
      case '\'': shown += "&#39;"; break;
      default: shown += c;
    }
  }
  return shown;
}

// Each line by itself, so that line ends stay.
template <class Escape>
std::string by_line(std::string_view text, Escape escape) {
  std::string shown;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    shown += escape(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return shown;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789,") == std::string_view::npos;
}

// How a cell is laid out: what is short stays on one line. Levels are words with a colour of their own.
std::string_view class_of(std::string_view cell) {
  if (is_number(cell)) return "number";
  if (cell == "critical" || cell == "high") return cell == "high" ? "word high" : "word critical";
  if (cell.size() > 40) return "text";
  return cell.find(' ') == std::string_view::npos ? "word" : "phrase";
}

std::string html_cell(std::string_view tag, std::string_view kind, std::string_view text) {
  return "<" + std::string(tag) + " class=\"" + std::string(kind) + "\">" + html_escaped(text) + "</" +
         std::string(tag) + ">";
}

std::string html_table(const ReportBlock& block) {
  std::string text = "<div class=\"table\"><table>\n<tr>";
  for (size_t i = 0; i < block.columns.size(); ++i) {
    const auto has_number = [i](const auto& row) { return i < row.size() && is_number(row[i]); };
    const bool are_numbers = std::any_of(block.rows.begin(), block.rows.end(), has_number);
    text += html_cell("th", are_numbers ? "number" : "word", block.columns[i]);
  }
  text += "</tr>\n";
  for (const auto& row : block.rows) {
    text += "<tr>";
    for (const std::string& cell : row) text += html_cell("td", class_of(cell), cell);
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

uint64_t largest(const std::vector<ReportBlock::Bar>& bars) {
  uint64_t most = 1;
  for (const ReportBlock::Bar& bar : bars) most = std::max(most, bar.value);
  return most;
}

std::string html_bars(const ReportBlock& block) {
  const uint64_t most = largest(block.bars);
  std::string text = "<table>\n";
  for (const ReportBlock::Bar& bar : block.bars) {
    text += "<tr class=\"bar\">" + html_cell("td", "word", bar.label) +
            html_cell("td", "number", with_separators(bar.value)) + "<td>";
    const uint64_t share = bar.value * 100 / most;
    if (bar.value != 0) text += "<div class=\"bar\" style=\"width:" + std::to_string(share) + "%\"></div>";
    text += "</td></tr>\n";
  }
  return text + "</table>\n";
}

// Every character that could mean something.
std::string markdown_escaped(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]()<>#+-.!|~&:@";
  std::string shown;
  for (const char c : escape_text(text)) {
    if (kSpecial.find(c) != std::string_view::npos) shown += '\\';
    shown += c;
  }
  return shown;
}

// With a fence that the text does not have.
std::string markdown_lines(std::string_view text) {
  size_t longest = 2;
  size_t run = 0;
  for (const char c : text) {
    run = c == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return fence + "\n" + by_line(text, [](std::string_view line) { return escape_text(line); }) + fence + "\n";
}

std::string markdown_row(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& cell : cells) text += " " + markdown_escaped(cell) + " |";
  return text + "\n";
}

std::string markdown_table(const ReportBlock& block) {
  std::string text = markdown_row(block.columns) + "|";
  for (size_t i = 0; i < block.columns.size(); ++i) text += "---|";
  text += "\n";
  for (const auto& row : block.rows) text += markdown_row(row);
  return text;
}

std::string markdown_bars(const ReportBlock& block) {
  const uint64_t most = largest(block.bars);
  size_t columns = 0;
  for (const ReportBlock::Bar& bar : block.bars)
    columns = std::max(columns, display_width(escape_text(bar.label)));
  std::string text;
  for (const ReportBlock::Bar& bar : block.bars) {
    const auto width = static_cast<size_t>(bar.value * kBarColumns / most);
    text += fit(escape_text(bar.label), columns) + "  " +
            std::string(std::max<size_t>(width, bar.value != 0), '#') + " " + with_separators(bar.value) +
            "\n";
  }
  return markdown_lines(text);
}

}  // namespace

void ReportDocument::heading(std::string text) {
  blocks.push_back({.kind = Kind::kHeading, .text = std::move(text)});
}

void ReportDocument::text(std::string text) {
  blocks.push_back({.kind = Kind::kText, .text = std::move(text)});
}

void ReportDocument::lines(std::string text) {
  blocks.push_back({.kind = Kind::kLines, .text = std::move(text)});
}

void ReportDocument::table(std::vector<std::string> columns, std::vector<std::vector<std::string>> rows) {
  blocks.push_back({.kind = Kind::kTable, .columns = std::move(columns), .rows = std::move(rows)});
}

void ReportDocument::bars(std::vector<ReportBlock::Bar> bars) {
  blocks.push_back({.kind = Kind::kBars, .bars = std::move(bars)});
}

std::string html_of(const ReportDocument& document) {
  std::string text(kHead);
  const std::string title = html_escaped(document.title);
  text += "<title>" + title + "</title>\n</head>\n<body>\n<h1>" + title + "</h1>\n";
  for (const ReportBlock& block : document.blocks) {
    switch (block.kind) {
      case Kind::kHeading: text += "<h2>" + html_escaped(block.text) + "</h2>\n"; break;
      case Kind::kText: text += "<p>" + html_escaped(block.text) + "</p>\n"; break;
      case Kind::kTable: text += html_table(block); break;
      case Kind::kLines: text += "<pre>" + by_line(block.text, html_escaped) + "</pre>\n"; break;
      case Kind::kBars: text += html_bars(block); break;
    }
  }
  return text + "</body>\n</html>\n";
}

std::string markdown_of(const ReportDocument& document) {
  std::string text = "# " + markdown_escaped(document.title) + "\n";
  for (const ReportBlock& block : document.blocks) {
    text += "\n";
    switch (block.kind) {
      case Kind::kHeading: text += "## " + markdown_escaped(block.text) + "\n"; break;
      case Kind::kText: text += markdown_escaped(block.text) + "\n"; break;
      case Kind::kTable: text += markdown_table(block); break;
      case Kind::kLines: text += markdown_lines(block.text); break;
      case Kind::kBars: text += markdown_bars(block); break;
    }
  }
  return text;
}

}  // namespace detectd
