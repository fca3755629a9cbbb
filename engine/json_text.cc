#include "engine/json_text.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace detectd {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void append_utf8(char32_t c, std::string& out) {
  const auto push = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0 | (c >> 6));
    push(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    push(0xE0 | (c >> 12));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  } else {
    push(0xF0 | (c >> 18));
    push(0x80 | ((c >> 12) & 0x3F));
    push(0x80 | ((c >> 6) & 0x3F));
    push(0x80 | (c & 0x3F));
  }
}

// The four digits of `\uXXXX` at `text`; nothing if they are not all there.
bool parse_hex4(std::string_view text, char32_t& value) {
  if (text.size() < 4) return false;
  unsigned parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 4, parsed, 16);
  if (error != std::errc() || end != text.data() + 4) return false;
  value = parsed;
  return true;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

// Whether a number that a double cannot hold is far above 1, or else far below.
bool above_one(std::string_view text) {
  const size_t e = text.find_first_of("eE");
  const std::string_view digits = text.substr(0, e);
  const size_t point = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  int64_t exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view written = text.substr(e + 1);
    const bool negative = written.front() == '-';
    if (written.front() == '+' || negative) written.remove_prefix(1);
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), exponent);
    if (error != std::errc()) return !negative;
    if (negative) exponent = -exponent;
  }
  return exponent + static_cast<int64_t>(point) - static_cast<int64_t>(first) > 0;
}

}  // namespace

size_t unescape_json(std::string_view inside, std::string& out, bool& replaced) {
  size_t at = 0;
  while (true) {
    const size_t backslash = inside.find('\\', at);
    out.append(inside.substr(at, backslash - at));
    if (backslash == std::string_view::npos) return backslash;
    const std::string_view escape = inside.substr(backslash + 1);
    if (escape.empty()) return backslash;
    if (escape[0] != 'u') {
      const char c = simple_escape(escape[0]);
      if (c == '\0') return backslash;
      out.push_back(c);
      at = backslash + 2;
      continue;
    }
    char32_t c = 0;
    if (!parse_hex4(escape.substr(1), c)) return backslash;
    at = backslash + 6;
    if (c >= 0xD800 && c <= 0xDFFF) {
      char32_t low = 0;
      if (c < 0xDC00 && inside.substr(at).starts_with("\\u") && parse_hex4(inside.substr(at + 2), low) &&
          low >= 0xDC00 && low <= 0xDFFF) {
        c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        at += 6;
      } else {
        c = kReplacement;
        replaced = true;
      }
    }
    append_utf8(c, out);
  }
}

JsonNumber parse_json_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* at = text.data();
  const auto skip_digits = [&] {
    const char* const first = at;
    while (at != end && is_digit(*at)) ++at;
    return at - first;
  };
  if (at != end && *at == '-') ++at;
  const bool leading_zero = at != end && *at == '0';
  const auto digits = skip_digits();
  if (digits == 0 || (leading_zero && digits > 1)) return {};
  JsonNumber number;
  if (at == end) {
    const auto [stop, error] = std::from_chars(text.data(), end, number.integer);
    number.kind = error == std::errc() ? JsonNumber::Kind::kInteger : JsonNumber::Kind::kLarge;
    if (number.kind == JsonNumber::Kind::kInteger) {
      number.real = static_cast<double>(number.integer);
      return number;
    }
  } else {
    number.kind = JsonNumber::Kind::kReal;
    if (*at == '.') {
      ++at;
      if (skip_digits() == 0) return {};
    }
    if (at != end && (*at == 'e' || *at == 'E')) {
      ++at;
      if (at != end && (*at == '+' || *at == '-')) ++at;
      if (skip_digits() == 0) return {};
    }
    if (at != end) return {};
  }
  const auto [stop, error] = std::from_chars(text.data(), end, number.real);
  if (error == std::errc::result_out_of_range) {
    // Too small is zero; only too large is no number we can hold.
    number.real = 0;
    if (above_one(text)) number.kind = JsonNumber::Kind::kInfinite;
  }
  return number;
}

bool parse_decimal(std::string_view text, int64_t& number) {
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace detectd
