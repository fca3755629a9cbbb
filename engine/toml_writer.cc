#include "engine/toml_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "engine/escape.h"
#include "engine/json_text.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr size_t kNone = std::string_view::npos;

bool is_bare(std::string_view key) {
  return !key.empty() &&
         key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == kNone;
}

bool has_hidden(std::string_view text) {
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    if (point.size == 0 || is_hidden(point.value)) return true;
    text.remove_prefix(point.size);
  }
  return false;
}

void append_code_point_escape(char32_t point, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += point < 0x10000 ? "\\u" : "\\U";
  for (int shift = point < 0x10000 ? 12 : 28; shift >= 0; shift -= 4) out += kHex[point >> shift & 0x0F];
}

// Bytes that are not UTF-8, which no parsed text has, become U+FFFD: TOML can not hold them.
std::string escaped(std::string_view text) {
  std::string out = "\"";
  for (; !text.empty(); text.remove_prefix(code_point_size(text))) {
    const CodePoint point = decode_utf8(text);
    if (point.size == 0) {
      append_utf8(0xFFFD, out);
    } else if (point.value == '"' || point.value == '\\') {
      out += '\\';
      out += static_cast<char>(point.value);
    } else if (point.value == '\n' || point.value == '\t' || point.value == '\r') {
      out += point.value == '\n' ? "\\n" : point.value == '\t' ? "\\t" : "\\r";
    } else if (is_hidden(point.value)) {
      append_code_point_escape(point.value, out);
    } else {
      out += text.substr(0, point.size);
    }
  }
  return out + '"';
}

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  out += text;
  return out + quote;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) out += ", ";
    out += part;
  }
  return out;
}

// JSON that our own parser made: strings, numbers, booleans, lists and objects without blanks between them.
class JsonReader {
 public:
  explicit JsonReader(std::string_view json) : json_(json) {}

  std::string read() {
    std::string value = read_value();
    return good_ && at_ == json_.size() ? value : std::string();
  }

 private:
  char peek() const { return at_ < json_.size() ? json_[at_] : '\0'; }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  std::string fail() {
    good_ = false;
    at_ = json_.size();
    return {};
  }

  // Recursion is bounded by kMaxBracketDepth: deeper events are no rule's.
  std::string read_value() {
    if (++depth_ > kMaxBracketDepth) return fail();
    std::string value;
    if (peek() == '"') {
      value = toml_text(read_text());
    } else if (peek() == '{') {
      value = toml_inline_table(read_members());
    } else if (peek() == '[') {
      value = toml_list(read_elements());
    } else {
      const size_t end = std::min(json_.find_first_of(",]}", at_), json_.size());
      value = json_.substr(at_, end - at_);
      at_ = end;
      if (value.empty() || value == "null") return fail();
    }
    --depth_;
    return value;
  }

  std::string read_text() {
    const size_t begin = ++at_;
    while (at_ < json_.size() && json_[at_] != '"') at_ += json_[at_] == '\\' ? 2 : 1;
    if (at_ >= json_.size()) return fail();
    std::string text;
    bool replaced = false;
    if (unescape_json(json_.substr(begin, at_ - begin), text, replaced) != kNone) return fail();
    ++at_;
    return text;
  }

  std::vector<std::string> read_elements() {
    std::vector<std::string> elements;
    ++at_;
    if (take(']')) return elements;
    do {
      elements.push_back(read_value());
    } while (good_ && take(','));
    if (!take(']')) fail();
    return elements;
  }

  std::vector<std::string> read_members() {
    std::vector<std::string> members;
    ++at_;
    if (take('}')) return members;
    do {
      if (peek() != '"') {
        fail();
        break;
      }
      std::string member = toml_key(read_text());
      if (!take(':')) fail();
      member += " = " + (good_ ? read_value() : std::string());
      members.push_back(std::move(member));
    } while (good_ && take(','));
    if (!take('}')) fail();
    return members;
  }

  std::string_view json_;
  size_t at_ = 0;
  size_t depth_ = 0;
  bool good_ = true;
};

}  // namespace

std::string toml_key(std::string_view key) { return is_bare(key) ? std::string(key) : toml_quoted_key(key); }

std::string toml_quoted_key(std::string_view key) { return toml_text(key); }

std::string toml_text(std::string_view text) {
  if (has_hidden(text)) return escaped(text);
  if (text.find_first_of("\\\"") == kNone) return quoted(text, '"');
  if (text.find('\'') == kNone) return quoted(text, '\'');
  return escaped(text);
}

std::string toml_long_text(std::string_view text) {
  if (text.find('\n') == kNone || text.find("'''") != kNone || text.ends_with('\'')) return toml_text(text);
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    if (has_hidden(text.substr(begin, end - begin))) return toml_text(text);
    begin = end + 1;
  }
  return "'''\n" + std::string(text) + "'''";
}

std::string toml_integer(int64_t number) { return std::to_string(number); }

std::string toml_real(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char digits[32];
  const auto [end, status] = std::to_chars(digits, digits + sizeof digits, number);
  std::string text(digits, end);
  if (text.find_first_of(".e") == kNone) text += ".0";
  return text;
}

std::string toml_boolean(bool value) { return value ? "true" : "false"; }

std::string toml_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> written;
  written.reserve(texts.size());
  for (const std::string& text : texts) written.push_back(toml_text(text));
  return toml_list(written);
}

std::string toml_list(const std::vector<std::string>& written) { return "[" + joined(written) + "]"; }

std::string toml_inline_table(const std::vector<std::string>& written) {
  return written.empty() ? "{}" : "{ " + joined(written) + " }";
}

std::string toml_value(const TomlValue& value) {
  std::vector<std::string> parts;
  switch (value.kind) {
    case Kind::kString: return toml_text(value.text);
    case Kind::kInteger: return toml_integer(value.integer);
    case Kind::kReal: return toml_real(value.real);
    case Kind::kBoolean: return toml_boolean(value.boolean);
    case Kind::kDate: return value.text;
    case Kind::kArray:
      for (const TomlValue& element : value.elements) parts.push_back(toml_value(element));
      return toml_list(parts);
    case Kind::kTable:
      for (const TomlMember& member : value.members)
        parts.push_back(toml_key(member.key) + " = " + toml_value(member.value));
      return toml_inline_table(parts);
  }
  return {};
}

std::string toml_of_json(std::string_view json) { return JsonReader(json).read(); }

void append_toml_line(std::string_view key, std::string_view value, std::string& out) {
  out += key;
  out += " = ";
  out += value;
  out += '\n';
}

void append_toml_list_line(std::string_view key, const std::vector<std::string>& elements, std::string& out) {
  const std::string line = toml_list(elements);
  if (key.size() + 3 + line.size() <= kTomlColumns) return append_toml_line(key, line, out);
  out += key;
  out += " = [\n";
  for (const std::string& element : elements) out += "  " + element + ",\n";
  out += "]\n";
}

}  // namespace detectd
