#include "engine/toml_text.h"

#include <algorithm>
#include <utility>

#include "engine/utf8.h"

namespace detectd {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

size_t line_end(std::string_view text, size_t at) { return std::min(text.find('\n', at), text.size()); }

size_t skip_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

size_t skip_to_statement(std::string_view text, size_t at) {
  if (at == 0 && text.starts_with("\xef\xbb\xbf")) at = 3;
  while (at < text.size()) {
    at = skip_blanks(text, at);
    if (at < text.size() && text[at] == '#') at = line_end(text, at);
    if (at >= text.size() || text[at] != '\n') break;
    ++at;
  }
  return at;
}

// The end of a string of one line that opens at `at`; kNone where it is not closed.
size_t short_string_end(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == quote) return i + 1;
    if (quote == '"' && text[i] == '\\' && i + 1 < text.size() && text[i + 1] != '\n') ++i;
  }
  return kNone;
}

size_t long_string_end(std::string_view text, size_t at) {
  const char quote = text[at];
  for (size_t i = at + 3; i + 2 < text.size(); ++i) {
    if (text[i] == quote && text[i + 1] == quote && text[i + 2] == quote) {
      i += 3;
      for (int extra = 0; extra < 2 && i < text.size() && text[i] == quote; ++extra) ++i;
      return i;
    }
    if (quote == '"' && text[i] == '\\') ++i;
  }
  return kNone;
}

// Whether the line at `at` can only be a header or, where `keys`, `key =`: then an open bracket before it
// was never closed.
bool starts_statement(std::string_view text, size_t at, bool keys) {
  at = skip_blanks(text, at);
  const size_t end = line_end(text, at);
  const std::string_view line = text.substr(at, end - at);
  if (line.starts_with('[')) {
    const size_t name = line.find_first_not_of("[ \t");
    if (name == kNone || !is_bare(line[name]) || (line[name] >= '0' && line[name] <= '9')) return false;
    size_t after = name;
    while (after < line.size() && (is_bare(line[after]) || line[after] == '.')) ++after;
    const std::string_view word = line.substr(name, after - name);
    return after < line.size() && line[after] == ']' && word != "true" && word != "false" && word != "inf" &&
           word != "nan";
  }
  if (!keys || line.empty()) return false;
  size_t after = 0;
  if (line[0] == '"' || line[0] == '\'') {
    after = short_string_end(text, at);
    if (after == kNone) return false;
    after -= at;
  }
  while (after < line.size() && (is_bare(line[after]) || line[after] == '.')) ++after;
  if (after == 0) return false;
  after = skip_blanks(line, after);
  return after < line.size() && line[after] == '=';
}

class StatementScan {
 public:
  struct Unclosed {
    bool& basic;
    bool& literal;
  };
  StatementScan(std::string_view text, size_t at, Unclosed unclosed)
      : text_(text), at_(at), unclosed_(unclosed) {
    statement_.begin = at;
  }

  TomlStatement run() {
    if (text_[at_] == '[') {
      header();
    } else {
      key();
      statement_.key_end = at_;
      at_ = skip_blanks(text_, at_);
      if (at_ < text_.size() && text_[at_] == '=') {
        at_ = skip_blanks(text_, at_ + 1);
        statement_.value = at_;
        value();
      } else {
        skip_line();
        statement_.value = at_;
      }
    }
    statement_.end = at_;
    return std::move(statement_);
  }

 private:
  void header() {
    statement_.header = true;
    ++at_;
    if (at_ < text_.size() && text_[at_] == '[') {
      statement_.array = true;
      ++at_;
    }
    key();
    statement_.key_end = at_;
    skip_line();
    statement_.value = at_;
  }

  void skip_line() {
    const size_t end = line_end(text_, at_);
    for (; at_ < end && text_[at_] != '#'; ++at_) {
      if (static_cast<unsigned char>(text_[at_]) >= 0x80 && !statement_.stray) statement_.stray = at_;
    }
    at_ = end;
  }

  void key() {
    while (at_ < text_.size()) {
      at_ = skip_blanks(text_, at_);
      const size_t begin = at_;
      if (at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
        const size_t end = short_string_end(text_, at_);
        if (end == kNone) {
          statement_.open_string = at_;
          at_ = line_end(text_, at_);
          return;
        }
        add_part(text_.substr(begin + 1, end - begin - 2), begin);
        at_ = end;
      } else {
        while (at_ < text_.size() && is_bare(text_[at_])) ++at_;
        if (at_ == begin) return;
        add_part(text_.substr(begin, at_ - begin), begin);
      }
      const size_t dot = skip_blanks(text_, at_);
      if (dot >= text_.size() || text_[dot] != '.') return;
      at_ = dot + 1;
    }
  }

  void add_part(std::string_view part, size_t at) {
    if (statement_.path.size() == kMaxKeyParts) {
      if (!statement_.too_deep) statement_.too_deep = at;
      return;
    }
    statement_.path.emplace_back(part);
  }

  // Up to the end of the line on which all brackets are closed.
  void value() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        if (!string()) return;
      } else if (c == '\n') {
        if (brackets_.empty()) return;
        if (starts_statement(text_, at_ + 1, text_[brackets_.back()] == '[')) break;
        ++at_;
      } else if (c == '#') {
        at_ = line_end(text_, at_);
      } else {
        punctuation(c);
        ++at_;
      }
    }
    if (!brackets_.empty()) statement_.open_bracket = brackets_.back();
  }

  void punctuation(char c) {
    if (static_cast<unsigned char>(c) >= 0x80 && !statement_.stray) statement_.stray = at_;
    if (c == '.') {
      if (++dots_ == kMaxKeyParts && !statement_.too_deep) statement_.too_deep = at_;
      return;
    }
    if (c == '[' || c == '{') {
      brackets_.push_back(at_);
      if (brackets_.size() > kMaxBracketDepth && !statement_.too_deep) statement_.too_deep = at_;
    } else if ((c == ']' || c == '}') && !brackets_.empty()) {
      brackets_.pop_back();
    }
    if (std::string_view("[]{},=").find(c) != kNone) dots_ = 0;
  }

  // False where the string is not closed, which ends the statement.
  bool string() {
    const std::string_view rest = text_.substr(at_);
    const bool is_long = rest.starts_with("\"\"\"") || rest.starts_with("'''");
    const size_t end = is_long ? find_long_end() : short_string_end(text_, at_);
    if (end != kNone) {
      at_ = end;
      return true;
    }
    statement_.open_string = at_;
    at_ = line_end(text_, at_);
    while (is_long && at_ < text_.size() && !starts_statement(text_, at_ + 1, false))
      at_ = line_end(text_, at_ + 1);
    return false;
  }

  size_t find_long_end() {
    bool& unclosed = text_[at_] == '"' ? unclosed_.basic : unclosed_.literal;
    const size_t end = unclosed ? kNone : long_string_end(text_, at_);
    unclosed = end == kNone;
    return end;
  }

  std::string_view text_;
  size_t at_;
  Unclosed unclosed_;
  TomlStatement statement_;
  std::vector<size_t> brackets_;
  size_t dots_ = 0;
};

}  // namespace

TextMap::TextMap(const SourceFile& file) : text_(file.text) {
  starts_.push_back(text_.starts_with("\xef\xbb\xbf") ? 3 : 0);
  for (size_t at = text_.find('\n'); at != kNone; at = text_.find('\n', at + 1)) starts_.push_back(at + 1);
  for (const size_t start : starts_) {
    const std::string_view line = line_text(start);
    uint32_t columns = 0;
    for (size_t at = 0; at < line.size(); at += code_point_size(line.substr(at))) ++columns;
    columns_.push_back(columns);
  }
}

std::string_view TextMap::line_text(size_t start) const {
  size_t end = line_end(text_, start);
  if (end > start && text_[end - 1] == '\r') --end;
  return text_.substr(start, end - start);
}

uint32_t TextMap::line_of(size_t offset) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
  return static_cast<uint32_t>(std::max<ptrdiff_t>(after - starts_.begin(), 1));
}

Span TextMap::span(size_t begin, size_t end) const {
  Span span{.line = line_of(begin), .column = 1, .length = 0};
  const size_t start = starts_[span.line - 1];
  const std::string_view line = line_text(start);
  for (size_t at = 0; at < line.size() && start + at < end; at += code_point_size(line.substr(at))) {
    ++(start + at < begin ? span.column : span.length);
  }
  span.length = std::max<uint32_t>(span.length, 1);
  return span;
}

Span TextMap::span(uint32_t line, uint32_t column, uint32_t end_line, uint32_t end_column) const {
  line = std::clamp<uint32_t>(line, 1, static_cast<uint32_t>(starts_.size()));
  const uint32_t beyond = columns_[line - 1] + 1;
  column = std::clamp<uint32_t>(column, 1, beyond);
  const uint32_t end = end_line == line ? std::min(end_column, beyond) : beyond;
  return {.line = line, .column = column, .length = end > column ? end - column : 1};
}

size_t TextMap::offset(uint32_t line, uint32_t column) const {
  if (line == 0 || line > starts_.size()) return text_.size();
  const std::string_view rest = line_text(starts_[line - 1]);
  size_t at = 0;
  for (uint32_t i = 1; i < column && at < rest.size(); ++i) at += code_point_size(rest.substr(at));
  return starts_[line - 1] + at;
}

std::optional<TomlStatement> TomlScanner::next() {
  at_ = skip_to_statement(text_, at_);
  if (at_ >= text_.size()) return std::nullopt;
  TomlStatement statement = StatementScan(text_, at_, {no_more_basic_, no_more_literal_}).run();
  at_ = statement.end;
  return statement;
}

std::vector<TomlBlock> split_blocks(std::string_view text) {
  std::vector<TomlBlock> blocks(1);
  TomlScanner scanner(text);
  while (const auto statement = scanner.next()) {
    const bool starts_block = statement->header && !statement->path.empty() &&
                              (statement->path.size() == 1 || statement->path[0] != blocks.back().name);
    if (starts_block) {
      blocks.back().end = statement->begin;
      TomlBlock block;
      block.name = statement->path[0];
      block.begin = statement->begin;
      blocks.push_back(std::move(block));
    }
    if (!blocks.back().too_deep) blocks.back().too_deep = statement->too_deep;
    if (!blocks.back().stray) blocks.back().stray = statement->stray;
    const bool nameless = statement->header && statement->path.empty();
    if (nameless && !blocks.back().nameless_header) blocks.back().nameless_header = statement->begin;
  }
  blocks.back().end = text.size();
  return blocks;
}

}  // namespace detectd
