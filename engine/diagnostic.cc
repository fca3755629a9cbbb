#include "engine/diagnostic.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>
#include <utility>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr size_t kMaxColumns = 160;
constexpr size_t kMaxWord = 64;

#define CODE(code, meaning) CodeInfo{#code, meaning},
constexpr CodeInfo kCodes[] = {
#include "engine/diagnostic_codes.def"
};

// One code point of a source line, as shown.
struct Cell {
  std::string text;
  size_t width = 0;
};

size_t sequence_length(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  if (byte >= 0xc0) return 2;
  return 1;
}

// Cut at bytes that do not continue a sequence, so that an invalid byte is a cell of its own and
// the cells are those that count as columns.
std::vector<Cell> cells_of(std::string_view line) {
  std::vector<Cell> cells;
  for (size_t at = 0; at < line.size();) {
    size_t end = at + 1;
    const size_t limit = std::min(line.size(), at + sequence_length(line[at]));
    while (end < limit && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) ++end;
    Cell cell;
    cell.text = line[at] == '\t' ? " " : escape_text(line.substr(at, end - at));
    cell.width = display_width(cell.text);
    cells.push_back(std::move(cell));
    at = end;
  }
  return cells;
}

size_t width_of(const std::vector<Cell>& cells, size_t from, size_t to) {
  return std::accumulate(cells.begin() + static_cast<ptrdiff_t>(from),
                         cells.begin() + static_cast<ptrdiff_t>(to), size_t{0},
                         [](size_t sum, const Cell& cell) { return sum + cell.width; });
}

// The stretch of `cells` that is shown: all of them where they fit, else a window with the span's
// begin in its first third.
std::pair<size_t, size_t> window(const std::vector<Cell>& cells, size_t caret) {
  if (width_of(cells, 0, cells.size()) <= kMaxColumns) return {0, cells.size()};
  size_t from = caret;
  for (size_t before = 0; from > 0 && before + cells[from - 1].width <= kMaxColumns / 3; --from) {
    before += cells[from - 1].width;
  }
  size_t to = from;
  for (size_t used = 0; to < cells.size() && used + cells[to].width <= kMaxColumns - 6; ++to) {
    used += cells[to].width;
  }
  return {from, to};
}

struct Excerpt {
  std::string line;
  std::string carets;
};

Excerpt excerpt_of(const SourceFile& file, const Span& span) {
  const std::vector<Cell> cells = cells_of(source_line(file, span.line));
  const uint32_t first_column = span.line == file.first_line ? file.first_column : 1;
  const size_t caret =
      std::min<size_t>(span.column > first_column ? span.column - first_column : 0, cells.size());
  const auto [from, to] = window(cells, caret);
  Excerpt excerpt;
  if (from > 0 || first_column > 1) excerpt.line = "...";
  excerpt.carets.assign(excerpt.line.size() + width_of(cells, from, caret), ' ');
  for (size_t i = from; i < to; ++i) excerpt.line += cells[i].text;
  if (to < cells.size()) excerpt.line += "...";
  const size_t end = std::min<size_t>(caret + std::max<uint32_t>(span.length, 1), to);
  const size_t length = caret < end ? width_of(cells, caret, end) : 0;
  excerpt.carets.append(std::max<size_t>(length, 1), '^');
  return excerpt;
}

std::string place_of(const SourceFile& file, const Span& span) {
  std::string place = escape_text(file.path);
  if (span.line == 0) return place;
  return place + ":" + std::to_string(span.line) + ":" + std::to_string(std::max<uint32_t>(span.column, 1));
}

class Painter {
 public:
  explicit Painter(bool color) : color_(color) {}
  std::string operator()(std::string_view style, std::string_view text) const {
    if (!color_) return std::string(text);
    return "\x1b[" + std::string(style) + "m" + std::string(text) + "\x1b[0m";
  }

 private:
  bool color_;
};

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours count one
// each.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::array<std::array<size_t, kMaxWord + 1>, 3> rows{};
  std::iota(rows[1].begin(), rows[1].end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& before = rows[(i + 2) % 3];
    auto& last = rows[i % 3];
    auto& row = rows[(i + 1) % 3];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return rows[(a.size() + 1) % 3][b.size()];
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

}  // namespace

void Diagnostics::add(Diagnostic diagnostic) {
  if (is_told(diagnostic)) return;
  ++(diagnostic.severity == Severity::kError ? errors_ : warnings_);
  if (all_.size() < kMax) all_.push_back(std::move(diagnostic));
}

// A filter for many rules is compiled with each of them, and its mistakes are found each time.
bool Diagnostics::is_told(const Diagnostic& diagnostic) {
  if (!diagnostic.file || diagnostic.span.line == 0 || all_.size() == kMax) return false;
  std::string key = diagnostic.code + ' ' + std::to_string(diagnostic.span.line) + ' ' +
                    std::to_string(diagnostic.span.column) + ' ' + diagnostic.file->path + '\n' +
                    diagnostic.message;
  return !told_.insert(std::move(key)).second;
}

void Diagnostics::sort() {
  const auto key = [](const Diagnostic& d) {
    return std::tuple(d.file ? std::string_view(d.file->path) : std::string_view(), d.span.line,
                      d.span.column);
  };
  std::stable_sort(all_.begin(), all_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
}

std::string_view source_line(const SourceFile& file, uint32_t line) {
  std::string_view rest = file.text;
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
  if (line < file.first_line) return {};
  for (uint32_t i = file.first_line; i < line; ++i) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) return {};
    rest.remove_prefix(end + 1);
  }
  rest = rest.substr(0, rest.find('\n'));
  if (!rest.empty() && rest.back() == '\r') rest.remove_suffix(1);
  return rest;
}

std::string render(const Diagnostic& diagnostic, const RenderOptions& options) {
  const Painter paint(options.color);
  const bool is_error = diagnostic.severity == Severity::kError;
  std::string out =
      paint(is_error ? "1;31" : "1;33", (is_error ? "error[" : "warning[") + diagnostic.code + "]");
  out += ": " + paint("1", escape_text(diagnostic.message)) + "\n";

  const bool has_line = diagnostic.file && diagnostic.span.line > 0;
  const std::string number = has_line ? std::to_string(diagnostic.span.line) : "";
  const std::string margin(number.size() + 1, ' ');
  if (diagnostic.file) {
    out += margin + paint("34", "-->") + " " + place_of(*diagnostic.file, diagnostic.span) + "\n";
  }
  if (has_line) {
    const Excerpt excerpt = excerpt_of(*diagnostic.file, diagnostic.span);
    const std::string gutter = margin + " " + paint("34", "|");
    out += gutter + "\n";
    out += " " + paint("34", number + " |") + (excerpt.line.empty() ? "" : " ") + excerpt.line + "\n";
    out += gutter + " " + paint(is_error ? "1;31" : "1;33", excerpt.carets) + "\n";
  }
  const std::string lead = margin + " " + paint("34", "=") + " ";
  for (const Note& note : diagnostic.notes) {
    out += lead + "note: " + escape_text(note.text);
    if (note.file) out += " at " + place_of(*note.file, note.span);
    out += "\n";
  }
  if (!diagnostic.help.empty()) out += lead + "help: " + escape_text(diagnostic.help) + "\n";
  return out;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates) {
  if (word.empty() || word.size() > kMaxWord) return {};
  const std::string lower = lower_case(word);
  const size_t limit = std::clamp<size_t>(word.size() / 3, 1, 3);
  std::string_view best;
  size_t best_distance = std::min(limit + 1, word.size());
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kMaxWord || candidate == word) continue;
    const size_t distance = edit_distance(lower, lower_case(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best.empty() ? std::string() : "did you mean `" + std::string(best) + "`?";
}

const CodeInfo* find_diagnostic_code(std::string_view code) {
  const auto* found = std::find_if(std::begin(kCodes), std::end(kCodes),
                                   [&](const CodeInfo& info) { return info.code == code; });
  return found == std::end(kCodes) ? nullptr : found;
}

}  // namespace detectd
