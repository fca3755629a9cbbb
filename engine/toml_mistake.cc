#include "engine/toml_mistake.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/utf8.h"

namespace detectd {
namespace {

constexpr size_t kNone = std::string_view::npos;

// Typographic quotes: U+2018 to U+201F, U+00AB, U+00BB, U+2039, U+203A.
bool is_typographic_quote(char32_t c) {
  return (c >= 0x2018 && c <= 0x201F) || c == 0xAB || c == 0xBB || c == 0x2039 || c == 0x203A;
}

std::string hex(uint32_t value, size_t digits) {
  std::string text;
  for (size_t i = digits; i-- > 0;) text += "0123456789ABCDEF"[value >> (4 * i) & 0xF];
  return text;
}

bool is_bare(std::string_view part) {
  return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// As it is written: nc."process.name".
std::string join_path(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& part : path) {
    text += (text.empty() ? "" : ".") + (is_bare(part) ? part : "\"" + part + "\"");
  }
  return text;
}

bool looks_like_number(std::string_view token) {
  if (token.empty() || std::count(token.begin(), token.end(), '.') > 1) return false;
  if (std::string_view("0123456789+-.").find(token[0]) == kNone) return false;
  const bool digits = token.find_first_of("0123456789") != kNone;
  const bool prefixed =
      token.size() > 1 && token[0] == '0' && std::string_view("xob").find(token[1]) != kNone;
  return digits && (prefixed || token.find_first_not_of("0123456789+-_.eE:TZtz") == kNone);
}

bool looks_like_date(std::string_view token) {
  const size_t dash = token.find_first_of("-:");
  return (dash == 4 || dash == 2) && token.substr(0, dash).find_first_not_of("0123456789") == kNone;
}

class Explainer {
 public:
  Explainer(const SourcePtr& file, const TextMap& map, const TomlBlock& block, const TomlError& error)
      : file_(file),
        map_(map),
        text_(file->text),
        block_(block),
        message_(error.text),
        at_(std::min(error.offset, text_.size())) {
    find_statement();
  }

  Diagnostic explain() {
    if (statement_.open_string && *statement_.open_string <= at_) return open_string();
    if (says("stray character")) return stray();
    if (says("cannot redefine") || says("cannot insert")) return redefinition();
    if (statement_.open_bracket && *statement_.open_bracket <= at_) return open_bracket();
    if (says("unknown escape") || says("unicode scalar")) return escape();
    if (says("inline table: ") || says("array: ")) return separator();
    if (says("table header: ")) return header();
    if (says("expected a comment or whitespace")) return trailing_text();
    if (says("key-value pair: ") || says("expected keys")) return missing_part();
    if (says("exceeded maximum nested")) return make("D010", "values are nested too deep", at_, at_ + 1);
    if (says("string: ") || says("key: ")) return other();
    return bare_value();
  }

 private:
  bool says(std::string_view words) const { return message_.find(words) != kNone; }

  // The statement that the parser stopped in; one before it that was never closed is to blame first.
  void find_statement() {
    TomlScanner scanner(text_.substr(0, block_.end), block_.begin);
    while (const auto statement = scanner.next()) {
      if (statement->begin > at_) break;
      if (statement->header) header_ = statement->begin;
      statement_ = *statement;
      if (statement->open_string || statement->open_bracket) break;
    }
  }

  Diagnostic make(std::string code, std::string message, size_t begin, size_t end,
                  std::string help = {}) const {
    Diagnostic diagnostic;
    diagnostic.code = std::move(code);
    diagnostic.file = file_;
    diagnostic.span = map_.span(begin, end);
    diagnostic.message = std::move(message);
    diagnostic.help = std::move(help);
    return diagnostic;
  }

  size_t end_of_line(size_t at) const { return std::min(text_.find('\n', at), text_.size()); }

  Diagnostic open_string() const {
    const size_t begin = *statement_.open_string;
    const std::string quote(1, text_[begin]);
    if (text_.substr(begin, 3) == quote + quote + quote) {
      return make("D002", "string is not closed", begin, begin + 3, "close it with " + quote + quote + quote);
    }
    const std::string_view rest = text_.substr(begin, end_of_line(begin) - begin);
    std::string help = "close it with " + quote;
    if (quote == "\"" && rest.find("\\\"") != kNone) {
      help = "\\\" is a quote inside the string; write text with backslashes in single quotes: 'C:\\'";
    }
    return make("D002", "string is not closed on this line", begin, begin + rest.size(), std::move(help));
  }

  Diagnostic redefinition() const {
    const std::string path = join_path(statement_.path);
    if (statement_.header) {
      const size_t end = end_of_line(statement_.begin);
      if (says("as array-of-tables") || says("as table") || says("cannot insert")) {
        return make("D006", "`" + path + "` is a table here and something else before", statement_.begin, end,
                    "[x] is one table, [[x]] one of several; a rule's tests are [[rule.test]]");
      }
      return with_first(make("D003", "table [" + path + "] is defined twice", statement_.begin, end));
    }
    const bool inside_value = at_ > statement_.value;
    if (inside_value) return make("D003", "a key of this inline table is defined twice", at_, at_ + 1);
    const std::string what =
        says("dotted key") ? "` goes into something that is a value already" : "` is defined twice";
    return with_first(make("D003", "`" + path + what, statement_.begin, statement_.key_end));
  }

  // With a note where the key or header stands already; a key also where it leads into one that does.
  Diagnostic with_first(Diagnostic diagnostic) const {
    const bool header = statement_.header;
    TomlScanner scanner(text_.substr(0, block_.end), header ? block_.begin : std::max(header_, block_.begin));
    while (const auto earlier = scanner.next()) {
      if (earlier->begin >= statement_.begin) break;
      const size_t parts = std::min(earlier->path.size(), statement_.path.size());
      const auto end = statement_.path.begin() + static_cast<ptrdiff_t>(parts);
      const bool same_start = parts > 0 && std::equal(statement_.path.begin(), end, earlier->path.begin());
      const bool same = header ? earlier->path.size() == statement_.path.size() : true;
      if (earlier->header != header || !same_start || !same) continue;
      diagnostic.notes.push_back({file_, map_.span(earlier->begin, earlier->key_end), "first defined"});
      break;
    }
    return diagnostic;
  }

  Diagnostic open_bracket() const {
    const size_t open = *statement_.open_bracket;
    const bool array = text_[open] == '[';
    Diagnostic diagnostic = make("D005",
                                 array ? "expected a comma or `]`: the array is not closed"
                                       : "expected `}`: the inline table is not closed",
                                 at_, at_ + 1, array ? "" : "an inline table stays on one line");
    diagnostic.notes.push_back(
        {file_, map_.span(open, open + 1), array ? "array opened" : "inline table opened"});
    return diagnostic;
  }

  Diagnostic escape() const {
    // toml++ stands on the last character that it read of the escape.
    size_t begin = text_.rfind('\\', at_ > 0 ? at_ - (says("unknown") ? 1 : 0) : 0);
    if (begin == kNone || begin < statement_.begin) begin = at_;
    const size_t end = begin + 1 + (begin + 1 < text_.size() ? code_point_size(text_.substr(begin + 1)) : 0);
    const std::string name(text_.substr(begin, end - begin));
    if (!says("unknown escape")) {
      return make(
          "D001",
          "`" + name + "` is followed by the hexadecimal digits of a character: 4 after \\u, 8 after \\U",
          begin, std::max(end, at_), "write a backslash as \\\\, or the string in single quotes");
    }
    return make("D001", "unknown escape '" + name + "' in a double-quoted string", begin, end,
                single_quoted_help(begin));
  }

  // How the string around `inside` is written without escapes.
  std::string single_quoted_help(size_t inside) const {
    const size_t line = text_.rfind('\n', inside) + 1;
    size_t open = std::max(line, statement_.value);
    for (size_t at = open; at < inside; ++at) {
      if (text_[at] != '"' && text_[at] != '\'') continue;
      open = at;
      const char quote = text_[at];
      for (++at; at < inside && text_[at] != quote; ++at) at += quote == '"' && text_[at] == '\\' ? 1 : 0;
    }
    size_t close = inside;
    while (close < text_.size() && text_[close] != '"' && text_[close] != '\n')
      close += text_[close] == '\\' ? 2 : 1;
    if (open >= text_.size() || text_[open] != '"' || close >= text_.size() || text_[close] != '"') {
      return "write patterns in single quotes: they know no escapes";
    }
    const std::string content(text_.substr(open + 1, close - open - 1));
    const bool plain = content.find('\'') == kNone;
    const bool fits = content.size() <= 80;
    if (!fits) return "write patterns in single quotes: they know no escapes";
    return "write patterns in single quotes: " + (plain ? "'" + content + "'" : "'''" + content + "'''");
  }

  Diagnostic separator() const {
    if (says("saw comma")) return make("D005", "a value is missing before this comma", at_, at_ + 1);
    if (says("dangling")) return make("D005", "an inline table does not end with a comma", at_, at_ + 1);
    if (says("saw '\\n'") || says("saw '\\r'")) {
      return make("D005", "an inline table does not go over several lines", statement_.value, at_,
                  "put it on one line, or write it as a [table] of its own");
    }
    if (says("comma or closing")) return make("D005", "a comma is missing between two values", at_, at_ + 1);
    return other();
  }

  Diagnostic header() const {
    const size_t end = end_of_line(statement_.begin);
    if (says("expected a comment"))
      return make("D016", "text after the header", at_, end, "keys stand on lines of their own");
    if (says("expected ']'") || says("end-of-file")) {
      return make(
          "D005",
          statement_.array ? "the header is not closed with `]]`" : "the header is not closed with `]`",
          statement_.begin, end);
    }
    return other();
  }

  Diagnostic trailing_text() const {
    const bool quoted = statement_.value < text_.size() &&
                        (text_[statement_.value] == '"' || text_[statement_.value] == '\'');
    return make("D016", "text after the value", at_, end_of_line(at_),
                quoted ? "the string ended before it; a text with quotes in it goes in '...' or '''...'''"
                       : "a comment begins with `#`");
  }

  Diagnostic stray() const {
    if (at_ >= statement_.value && !statement_.header) return bare_value();
    const size_t end = at_ + code_point_size(text_.substr(at_));
    return make(
        "D017",
        "`" + std::string(text_.substr(at_, end - at_)) + "` can only stand inside quotes or a comment", at_,
        end);
  }

  Diagnostic missing_part() const {
    const std::string key = join_path(statement_.path);
    if (says("expected keys")) {
      return make("D017", "a line begins with a key, a [header] or a # comment", at_, at_ + 1);
    }
    if (says("expected '=', saw '|'")) {
      return make("D023", "a field with modifiers must be quoted", statement_.begin,
                  std::max(at_, statement_.begin + 1), quoted_field_help());
    }
    if (says("expected '=', saw ':'"))
      return make("D004", "expected `=` after `" + key + "`", at_, at_ + 1, "TOML writes key = value");
    const bool equals =
        text_.substr(statement_.key_end, statement_.value - statement_.key_end).find('=') != kNone;
    if (!equals) {
      return make("D004", "expected `=` and a value after `" + key + "`", std::min(at_, statement_.end),
                  at_ + 1);
    }
    return make("D004", "`" + key + "` has no value", statement_.begin, statement_.key_end,
                "write " + key + " = \"...\", or remove the line");
  }

  // `x.process.name|contains`: the first part is the selection unless the header names it already.
  std::string quoted_field_help() const {
    size_t end = at_;
    while (end < text_.size() && std::string_view(" \t=\n\r").find(text_[end]) == kNone) ++end;
    const std::string modifiers(text_.substr(at_, end - at_));
    TomlScanner scanner(text_.substr(0, block_.end), header_);
    const auto header = scanner.next();
    const bool in_selection = header && header->header && header->path.size() > 2;
    std::vector<std::string> field = statement_.path;
    std::string selection;
    if (!in_selection && field.size() > 1) {
      selection = field.front() + ".";
      field.erase(field.begin());
    }
    return "write " + selection + "\"" + join_path(field) + modifiers + "\" = ...";
  }

  Diagnostic bare_value() const {
    constexpr std::string_view kDelimiters = " \t,[]{}=\n\r#\"'";
    size_t begin = at_;
    while (begin > statement_.value && kDelimiters.find(text_[begin - 1]) == kNone) --begin;
    size_t end = at_;
    while (end < text_.size() && kDelimiters.find(text_[end]) == kNone) ++end;
    const std::string token(text_.substr(begin, end - begin));
    const CodePoint first = token.empty() ? CodePoint{} : decode_utf8(token);
    if (is_typographic_quote(first.value)) {
      return make("D007", "typographic quote U+" + hex(first.value, 4) + " is not a quote of TOML", begin,
                  begin + first.size, "use \"");
    }
    if (looks_like_number(token)) return number(begin, end, token);
    if (token.empty()) return other();
    std::string help = "quote it: \"" + token + "\"";
    if (begin == statement_.value) {
      std::string_view value = text_.substr(begin, end_of_line(begin) - begin);
      value = value.substr(0, value.find(" #"));
      value = value.substr(0, value.find_last_not_of(" \t\r") + 1);
      const bool pattern = value.find_first_of("\"\\") != kNone;
      const std::string quote = pattern ? "'" : "\"";
      help =
          "quote it: " + std::string(text_.substr(statement_.begin, statement_.key_end - statement_.begin)) +
          " = " + quote + std::string(value) + quote;
    }
    if (help.size() > 120) help = "quote it";
    return make("D007", "`" + token + "` is not a value: text is quoted", begin, end, std::move(help));
  }

  Diagnostic number(size_t begin, size_t end, const std::string& token) const {
    if (looks_like_date(token)) {
      return make("D015", "`" + token + "` is not a date or time", begin, end,
                  "dates are written 2026-11-20, times 14:03:07");
    }
    if (says("not representable"))
      return make("D011", "`" + token + "` does not fit 64 bits", begin, end,
                  "write it as text: \"" + token + "\"");
    if (says("leading zeroes"))
      return make("D011", "`" + token + "` begins with a zero", begin, end,
                  "leave the zero out, or write it as text: \"" + token + "\"");
    return make("D011", "`" + token + "` is not a number of TOML", begin, end,
                "write it as text: \"" + token + "\"");
  }

  Diagnostic other() const {
    const size_t colon = message_.find(": ");
    return make("D017", std::string(colon == kNone ? message_ : message_.substr(colon + 2)), at_, at_ + 1);
  }

  const SourcePtr& file_;
  const TextMap& map_;
  std::string_view text_;
  const TomlBlock& block_;
  std::string_view message_;
  size_t at_;
  size_t header_ = 0;
  TomlStatement statement_;
};

Diagnostic file_mistake(const SourcePtr& file, std::string code, Span span, std::string message,
                        std::string help) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.file = file;
  diagnostic.span = span;
  diagnostic.message = std::move(message);
  diagnostic.help = std::move(help);
  return diagnostic;
}

bool is_yaml(std::string_view line) {
  if (line.starts_with("---") || line.starts_with("- ")) return true;
  const size_t colon =
      line.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
  return colon != kNone && colon > 0 && line[colon] == ':' &&
         (colon + 1 == line.size() || line[colon + 1] == ' ');
}

}  // namespace

std::optional<Diagnostic> find_foreign_format(const SourcePtr& file, const TextMap& map) {
  const std::string_view text = file->text;
  const bool zeros = text.size() >= 4 && ((text[0] == '\0') != (text[1] == '\0')) &&
                     ((text[2] == '\0') != (text[3] == '\0'));
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || zeros) {
    return file_mistake(file, "D008", {}, "the text is not UTF-8: it looks like UTF-16",
                        "save the file as UTF-8");
  }
  TomlScanner scanner(text);
  const auto first = scanner.next();
  if (!first) return std::nullopt;
  std::string_view line = text.substr(first->begin, text.find('\n', first->begin) - first->begin);
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  const Span span = map.span(first->begin, first->begin + line.size());
  if (line.starts_with('{')) {
    return file_mistake(file, "D012", span, "this looks like JSON, not TOML",
                        "rules are written in TOML; every rule starts with [[rule]]");
  }
  if (is_yaml(line)) {
    return file_mistake(file, "D012", span, "this looks like YAML (Sigma, Falco), not TOML",
                        "rules are written in TOML; see `detectctl import`");
  }
  return std::nullopt;
}

std::optional<Diagnostic> find_unparsable(const SourcePtr& file, const TextMap& map, const TomlBlock& block) {
  const std::string_view text = file->text;
  for (size_t at = block.begin; at < block.end;) {
    const auto byte = static_cast<unsigned char>(text[at]);
    const CodePoint point = decode_utf8(text.substr(at));
    if (point.size == 0) {
      return file_mistake(file, "D008", map.span(at, at + 1),
                          "byte 0x" + hex(byte, 2) + " at offset " + std::to_string(at) + " is not UTF-8",
                          "save the file as UTF-8");
    }
    const bool line_break = byte == '\n' || (byte == '\r' && text.substr(at + 1, 1) == "\n");
    if ((byte < 0x20 && byte != '\t' && !line_break) || byte == 0x7F) {
      return file_mistake(file, "D009", map.span(at, at + 1), "control character U+" + hex(byte, 4),
                          "remove it; inside a double-quoted string it can be written as \\u" + hex(byte, 4));
    }
    at += point.size;
  }
  if (block.nameless_header) {
    const size_t end = std::min(text.find('\n', *block.nameless_header), block.end);
    return file_mistake(file, "D004", map.span(*block.nameless_header, end), "the header has no name",
                        "every rule starts with [[rule]]");
  }
  if (block.too_deep) {
    return file_mistake(file, "D010", map.span(*block.too_deep, *block.too_deep + 1),
                        "values or keys are nested too deep",
                        "the limits are " + std::to_string(kMaxBracketDepth) + " brackets and " +
                            std::to_string(kMaxKeyParts) + " parts of a dotted key");
  }
  return std::nullopt;
}

Diagnostic explain_toml_error(const SourcePtr& file, const TextMap& map, const TomlBlock& block,
                              const TomlError& error) {
  return Explainer(file, map, block, error).explain();
}

}  // namespace detectd
