#include "src/detectctl/text_diff.h"

#include <algorithm>
#include <vector>

#include "engine/escape.h"

namespace detectd {
namespace {

using Lines = std::vector<std::string_view>;

constexpr size_t kContext = 3;
constexpr size_t kMaxCells = 4'000'000;  // of the table of common lines

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

struct Edit {
  char sign = ' ';  // '-', '+'
  std::string_view line;
};

// The middle of both texts, without what they begin and end with alike.
void append_middle(const Lines& before, const Lines& after, size_t begin, size_t end_before, size_t end_after,
                   std::vector<Edit>& edits) {
  const size_t rows = end_before - begin, columns = end_after - begin;
  size_t i = begin, j = begin;
  if (rows != 0 && columns != 0 && rows * columns <= kMaxCells) {
    // common[i][j]: the most lines that what is left of both has in common.
    std::vector<uint32_t> common((rows + 1) * (columns + 1), 0);
    const auto at = [&](size_t row, size_t column) -> uint32_t& {
      return common[(row - begin) * (columns + 1) + (column - begin)];
    };
    for (size_t row = end_before; row-- > begin;) {
      for (size_t column = end_after; column-- > begin;) {
        at(row, column) = before[row] == after[column] ? at(row + 1, column + 1) + 1
                                                       : std::max(at(row + 1, column), at(row, column + 1));
      }
    }
    while (i < end_before && j < end_after) {
      if (before[i] == after[j]) {
        edits.push_back({' ', before[i]});
        ++i, ++j;
      } else if (at(i + 1, j) >= at(i, j + 1)) {
        edits.push_back({'-', before[i++]});
      } else {
        edits.push_back({'+', after[j++]});
      }
    }
  }
  for (; i < end_before; ++i) edits.push_back({'-', before[i]});
  for (; j < end_after; ++j) edits.push_back({'+', after[j]});
}

std::vector<Edit> edits_between(const Lines& before, const Lines& after) {
  std::vector<Edit> edits;
  size_t begin = 0, end_before = before.size(), end_after = after.size();
  while (begin < std::min(end_before, end_after) && before[begin] == after[begin])
    edits.push_back({' ', before[begin++]});
  while (end_before > begin && end_after > begin && before[end_before - 1] == after[end_after - 1])
    --end_before, --end_after;
  append_middle(before, after, begin, end_before, end_after, edits);
  for (size_t i = end_before; i < before.size(); ++i) edits.push_back({' ', before[i]});
  return edits;
}

std::string range_text(size_t line, size_t count) {
  return std::to_string(count == 0 ? line : line + 1) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string unified_diff(std::string_view name, std::string_view before, std::string_view after) {
  if (before == after) return {};
  const std::vector<Edit> edits = edits_between(lines_of(before), lines_of(after));
  std::string text = "--- " + escape_text(name) + "\n+++ " + escape_text(name) + " (formatted)\n";
  size_t line_before = 0, line_after = 0;
  for (size_t i = 0; i < edits.size();) {
    size_t next = i;
    while (next < edits.size() && edits[next].sign == ' ') ++next;
    if (next == edits.size()) break;
    const size_t first = std::max(i, next - std::min(next, kContext));
    line_before += first - i;
    line_after += first - i;
    // Changes that are near stand together.
    size_t end = next;
    for (size_t same = 0; end < edits.size() && same <= 2 * kContext; ++end)
      same = edits[end].sign == ' ' ? same + 1 : 0;
    while (end > next && edits[end - 1].sign == ' ') --end;
    end = std::min(end + kContext, edits.size());
    size_t removed = 0, added = 0;
    std::string lines;
    for (size_t k = first; k < end; ++k) {
      removed += edits[k].sign == '+' ? 0 : 1;
      added += edits[k].sign == '-' ? 0 : 1;
      lines += edits[k].sign + escape_text(edits[k].line) + "\n";
    }
    text +=
        "@@ -" + range_text(line_before, removed) + " +" + range_text(line_after, added) + " @@\n" + lines;
    line_before += removed;
    line_after += added;
    i = end;
  }
  // A file may differ in how it ends alone.
  if (text.find("@@") == std::string::npos) text += "\\ the last line has no end\n";
  return text;
}

}  // namespace detectd
