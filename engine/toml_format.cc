#include "engine/toml_format.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "engine/toml_text.h"
#include "engine/toml_tree.h"
#include "engine/toml_value_format.h"

namespace detectd {
namespace {

constexpr size_t kNone = std::string_view::npos;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == kNone) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_understood(const TomlStatement& statement) {
  return !statement.open_string && !statement.open_bracket && !statement.too_deep && !statement.stray &&
         !statement.path.empty();
}

class Formatter {
 public:
  explicit Formatter(std::string_view text) : text_(text) {}

  std::string run() {
    TomlScanner scanner(text_);
    size_t at = text_.starts_with("\xef\xbb\xbf") ? 3 : 0;
    while (const auto statement = scanner.next()) {
      read_gap(at, statement->begin);
      add(*statement);
      at = statement->end;
    }
    read_gap(at, text_.size());
    add_comments(gap_.size());
    return std::move(out_);
  }

 private:
  // The lines between two statements: comments, and one empty line for one blank line or several. What is left of the
  // line of the statement before, and the blanks before the one behind, are none.
  void read_gap(size_t begin, size_t end) {
    gap_.clear();
    const std::string_view gap = text_.substr(begin, end - begin);
    const bool is_last = end == text_.size();
    size_t at = out_.empty() ? 0 : std::min(gap.find('\n'), gap.size() - 1) + 1;
    while (at < gap.size()) {
      const size_t line_end = gap.find('\n', at);
      if (line_end == kNone && !is_last) break;
      const std::string_view line = trimmed(gap.substr(at, line_end == kNone ? kNone : line_end - at));
      if (!line.empty() || gap_.empty() || !gap_.back().empty()) gap_.push_back(line);
      if (line_end == kNone) break;
      at = line_end + 1;
    }
  }

  void add_blank_line() {
    if (!out_.empty() && !is_after_header_ && !out_.ends_with("\n\n")) out_ += '\n';
  }

  // The first `count` lines of the gap; a blank line at the end is left out.
  void add_comments(size_t count) {
    bool blank = false;
    for (size_t i = 0; i < count; ++i) {
      if (gap_[i].empty()) {
        blank = true;
        continue;
      }
      if (blank) add_blank_line();
      blank = false;
      out_.append(gap_[i]) += '\n';
      is_after_header_ = false;
    }
  }

  void add(const TomlStatement& statement) {
    if (statement.header) return add_header(statement);
    add_comments(gap_.size());
    if (!gap_.empty() && gap_.back().empty()) add_blank_line();
    add_lines(format_pair(statement));
    is_after_header_ = false;
  }

  void add_header(const TomlStatement& statement) {
    // Comments right above a header belong to it.
    size_t own = gap_.size();
    while (own > 0 && !gap_[own - 1].empty()) --own;
    add_comments(own);
    is_after_header_ = false;
    add_blank_line();
    for (size_t i = own; i < gap_.size(); ++i) out_.append(gap_[i]) += '\n';
    add_lines(format_header(statement));
    header_ = statement.path;
    is_after_header_ = true;
  }

  void add_lines(const std::string& lines) {
    out_ += lines;
    out_ += '\n';
  }

  std::string as_written(const TomlStatement& statement) const {
    std::string_view text = trimmed(text_.substr(statement.begin, statement.end - statement.begin));
    while (text.ends_with('\n')) text = trimmed(text.substr(0, text.size() - 1));
    return std::string(text);
  }

  std::string format_header(const TomlStatement& statement) const {
    const std::string_view open = statement.array ? "[[" : "[";
    const std::string_view close = statement.array ? "]]" : "]";
    const size_t begin = statement.begin + open.size();
    const auto key = format_toml_key(text_.substr(begin, statement.key_end - begin));
    std::string_view rest = trimmed(text_.substr(statement.key_end, statement.end - statement.key_end));
    if (!key || !is_understood(statement) || !rest.starts_with(close)) return as_written(statement);
    rest = trimmed(rest.substr(close.size()));
    if (!rest.empty() && rest.front() != '#') return as_written(statement);
    return std::string(open) + *key + std::string(close) + (rest.empty() ? "" : "  " + std::string(rest));
  }

  std::string format_pair(const TomlStatement& statement) const {
    const auto key = format_toml_key(text_.substr(statement.begin, statement.key_end - statement.begin));
    if (!key || !is_understood(statement) || statement.value == statement.end) return as_written(statement);
    // The events of a correlation's test stand one a line, however short.
    const bool one_a_line = header_.size() == 2 && header_[1] == "test" && *key == "events";
    const auto value = format_toml_value(text_.substr(statement.value, statement.end - statement.value),
                                         {.key_columns = key->size() + 3, .one_a_line = one_a_line});
    return value ? *key + " = " + *value : as_written(statement);
  }

  std::string_view text_;
  std::string out_;
  std::vector<std::string_view> gap_;
  std::vector<std::string> header_;
  bool is_after_header_ = false;
};

bool is_same(const TomlValue& a, const TomlValue& b) {
  const bool both_nan = std::isnan(a.real) && std::isnan(b.real);
  if (a.kind != b.kind || a.text != b.text || a.integer != b.integer || a.boolean != b.boolean ||
      (a.real != b.real && !both_nan) || a.elements.size() != b.elements.size() ||
      a.members.size() != b.members.size())
    return false;
  for (size_t i = 0; i < a.elements.size(); ++i) {
    if (!is_same(a.elements[i], b.elements[i])) return false;
  }
  for (size_t i = 0; i < a.members.size(); ++i) {
    if (a.members[i].key != b.members[i].key || !is_same(a.members[i].value, b.members[i].value))
      return false;
  }
  return true;
}

}  // namespace

std::string format_toml(std::string_view text) { return Formatter(text).run(); }

bool is_same_toml(const SourceFile& a, const SourceFile& b) {
  const std::vector<TomlBlock> blocks_a = split_blocks(a.text), blocks_b = split_blocks(b.text);
  if (blocks_a.size() != blocks_b.size() || toml_comments(a.text) != toml_comments(b.text)) return false;
  const TextMap map_a(a), map_b(b);
  for (size_t i = 0; i < blocks_a.size(); ++i) {
    for (const TomlBlock* block : {&blocks_a[i], &blocks_b[i]}) {
      if (block->too_deep || block->nameless_header || block->stray) return false;
    }
    const auto parsed_a = parse_toml(a, map_a, blocks_a[i]), parsed_b = parse_toml(b, map_b, blocks_b[i]);
    const auto* tree_a = std::get_if<TomlValue>(&parsed_a);
    const auto* tree_b = std::get_if<TomlValue>(&parsed_b);
    if (tree_a == nullptr || tree_b == nullptr || !is_same(*tree_a, *tree_b)) return false;
  }
  return true;
}

}  // namespace detectd
