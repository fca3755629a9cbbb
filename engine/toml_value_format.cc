#include "engine/toml_value_format.h"

#include <algorithm>
#include <utility>

#include "engine/toml_text.h"
#include "engine/toml_writer.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

constexpr size_t kNone = std::string_view::npos;

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

std::optional<char32_t> hex_number(std::string_view digits) {
  char32_t number = 0;
  for (const char c : digits) {
    const char32_t digit = c >= '0' && c <= '9'   ? static_cast<char32_t>(c - '0')
                           : c >= 'a' && c <= 'f' ? static_cast<char32_t>(c - 'a' + 10)
                           : c >= 'A' && c <= 'F' ? static_cast<char32_t>(c - 'A' + 10)
                                                  : 16;
    if (digit == 16) return std::nullopt;
    number = number * 16 + digit;
  }
  return number;
}

// The inside of a string in double quotes.
std::optional<std::string> unescaped(std::string_view inside) {
  constexpr std::string_view kLetters = "btnfr\"\\";
  constexpr std::string_view kMeant = "\b\t\n\f\r\"\\";
  std::string text;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] != '\\') {
      text += inside[i];
      continue;
    }
    if (++i == inside.size()) return std::nullopt;
    if (const size_t letter = kLetters.find(inside[i]); letter != kNone) {
      text += kMeant[letter];
      continue;
    }
    const size_t digits = inside[i] == 'u' ? 4 : inside[i] == 'U' ? 8 : 0;
    if (digits == 0 || i + digits >= inside.size()) return std::nullopt;
    const auto point = hex_number(inside.substr(i + 1, digits));
    if (!point || *point > 0x10FFFF || (*point >= 0xD800 && *point <= 0xDFFF)) return std::nullopt;
    append_utf8(*point, text);
    i += digits;
  }
  return text;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::string> key() {
    std::string key;
    for (;;) {
      skip_blanks();
      if (is_at('"') || is_at('\'')) {
        if (rest().starts_with("\"\"\"") || rest().starts_with("'''")) return std::nullopt;
        auto part = short_string();
        if (!part) return std::nullopt;
        key += *part;
      } else {
        const size_t begin = at_;
        while (at_ < text_.size() && is_bare(text_[at_])) ++at_;
        if (at_ == begin) return std::nullopt;
        key += text_.substr(begin, at_ - begin);
      }
      skip_blanks();
      if (!take('.')) return key;
      key += '.';
    }
  }

  std::optional<std::string> top_value(const TomlValueLayout& layout) {
    auto value = is_at('[') ? top_list(layout) : inner_value();
    if (!value) return std::nullopt;
    skip_blanks();
    if (is_at('#')) *value += "  " + std::string(comment());
    skip_blanks();
    return at_ == text_.size() ? value : std::nullopt;
  }

  bool is_done() const { return at_ == text_.size(); }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!is_at(c)) return false;
    ++at_;
    return true;
  }
  void skip(size_t bytes) { at_ = std::min(at_ + bytes, text_.size()); }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }
  void skip_blank_lines() {
    skip_blanks();
    while (take('\n')) skip_blanks();
  }

  // Up to the end of its line.
  std::string_view comment() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    std::string_view found = text_.substr(at_, end - at_);
    at_ = end;
    return found.substr(0, found.find_last_not_of(" \t\r") + 1);
  }

  std::optional<std::string> short_string() {
    const char quote = text_[at_];
    const size_t begin = ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n')
      skip(quote == '"' && text_[at_] == '\\' ? 2 : 1);
    if (!is_at(quote)) return std::nullopt;
    const std::string_view inside = text_.substr(begin, at_ - begin);
    ++at_;
    // Patterns stand in single quotes, whether they need it today or not.
    if (quote == '\'') return std::string(1, quote).append(inside) + quote;
    const auto meant = unescaped(inside);
    if (!meant) return std::nullopt;
    return toml_text(*meant);
  }

  // As it is.
  std::optional<std::string> long_string() {
    const char quote = text_[at_];
    const size_t begin = at_;
    const std::string close(3, quote);
    skip(3);
    while (at_ < text_.size() && !rest().starts_with(close)) skip(quote == '"' && text_[at_] == '\\' ? 2 : 1);
    if (at_ == text_.size()) return std::nullopt;
    skip(3);
    // Up to two quotes may stand before the three that close it.
    if (take(quote)) take(quote);
    return std::string(text_.substr(begin, at_ - begin));
  }

  // A number, a date, true: whatever has neither quotes nor brackets.
  std::optional<std::string> plain() {
    const size_t end = std::min(text_.find_first_of(",[]{}\"'=#\n", at_), text_.size());
    std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    word = word.substr(0, word.find_last_not_of(" \t\r") + 1);
    if (word.empty()) return std::nullopt;
    return std::string(word);
  }

  std::optional<std::string> inner_value() {
    if (depth_ == kMaxBracketDepth) return std::nullopt;
    ++depth_;
    std::optional<std::string> value;
    if (rest().starts_with("\"\"\"") || rest().starts_with("'''")) {
      value = long_string();
    } else if (is_at('"') || is_at('\'')) {
      value = short_string();
    } else if (is_at('[')) {
      value = inner_list();
    } else if (is_at('{')) {
      value = inner_table();
    } else {
      value = plain();
    }
    --depth_;
    return value;
  }

  std::optional<std::string> inner_list() {
    std::vector<std::string> elements;
    ++at_;
    for (;;) {
      skip_blank_lines();
      if (take(']')) return toml_list(elements);
      auto element = inner_value();
      if (!element) return std::nullopt;
      elements.push_back(*std::move(element));
      skip_blank_lines();
      if (!take(',') && !is_at(']')) return std::nullopt;
    }
  }

  std::optional<std::string> inner_table() {
    std::vector<std::string> members;
    ++at_;
    skip_blanks();
    if (take('}')) return toml_inline_table(members);
    for (;;) {
      auto name = key();
      if (!name || !take('=')) return std::nullopt;
      skip_blanks();
      auto value = inner_value();
      if (!value) return std::nullopt;
      members.push_back(*name + " = " + *value);
      skip_blanks();
      if (take('}')) return toml_inline_table(members);
      if (!take(',')) return std::nullopt;
    }
  }

  // A line of a list: an element with its comment, or a comment alone.
  struct Line {
    std::string element;
    std::string comment;
  };

  // Comments up to the next element. Those on the line of the one before belong to it.
  void read_comments(std::vector<Line>& lines) {
    for (bool same_line = true;;) {
      skip_blanks();
      if (take('\n')) {
        same_line = false;
      } else if (is_at('#')) {
        if (same_line && !lines.empty() && lines.back().comment.empty()) {
          lines.back().comment = comment();
        } else {
          lines.push_back({{}, std::string(comment())});
        }
        has_comments_ = true;
      } else {
        return;
      }
    }
  }

  std::optional<std::string> top_list(const TomlValueLayout& layout) {
    std::vector<Line> lines;
    std::vector<std::string> elements;
    ++at_;
    for (;;) {
      read_comments(lines);
      if (take(']')) break;
      auto element = inner_value();
      if (!element) return std::nullopt;
      elements.push_back(*element);
      lines.push_back({*std::move(element), {}});
      read_comments(lines);
      if (!take(',') && !is_at(']')) return std::nullopt;
    }
    const std::string line = toml_list(elements);
    const bool fits = layout.key_columns + line.size() <= kTomlColumns && !layout.one_a_line;
    if (!has_comments_ && (fits || elements.empty())) return line;
    std::string text = "[\n";
    for (const Line& each : lines) {
      text += "  " + each.element + (each.element.empty() ? "" : ",");
      if (!each.comment.empty()) text += (each.element.empty() ? "" : "  ") + each.comment;
      text += '\n';
    }
    return text + "]";
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool has_comments_ = false;
};

// Behind the string that begins at `at`.
size_t string_end(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string triple(3, quote);
  const bool is_long = text.substr(at).starts_with(triple);
  for (at += is_long ? 3 : 1; at < text.size(); ++at) {
    if (quote == '"' && text[at] == '\\') {
      ++at;
    } else if (is_long ? text.substr(at).starts_with(triple) : text[at] == quote) {
      at += is_long ? 3 : 1;
      for (int more = 0; is_long && more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
      return at;
    } else if (!is_long && text[at] == '\n') {
      return at;
    }
  }
  return text.size();
}

}  // namespace

std::optional<std::string> format_toml_key(std::string_view text) {
  Reader reader(text);
  auto key = reader.key();
  return reader.is_done() ? key : std::nullopt;
}

std::optional<std::string> format_toml_value(std::string_view text, const TomlValueLayout& layout) {
  return Reader(text).top_value(layout);
}

std::vector<std::string> toml_comments(std::string_view text) {
  std::vector<std::string> comments;
  for (size_t at = 0; (at = text.find_first_of("\"'#", at)) < text.size();) {
    if (text[at] != '#') {
      at = string_end(text, at);
      continue;
    }
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view comment = text.substr(at, end - at);
    comments.emplace_back(comment.substr(0, comment.find_last_not_of(" \t\r") + 1));
    at = end;
  }
  return comments;
}

}  // namespace detectd
