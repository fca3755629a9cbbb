#include "engine/escape.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "engine/utf8.h"

namespace detectd {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// Whether `bad` is 0 for all bytes. In blocks of bytes, not of bools, or the compiler takes them one by one.
template <class Bad>
bool all_good(std::string_view text, Bad bad) {
  constexpr size_t kBlock = 32;
  size_t i = 0;
  for (; i + kBlock <= text.size(); i += kBlock) {
    const char* block = text.data() + i;
    uint8_t found = 0;
    for (size_t j = 0; j < kBlock; ++j) found |= bad(static_cast<uint8_t>(block[j]));
    if (found != 0) return false;
  }
  uint8_t found = 0;
  for (; i < text.size(); ++i) found |= bad(static_cast<uint8_t>(text[i]));
  return found == 0;
}

// 1 for what is not from blank to `~`.
uint8_t not_plain(uint8_t byte) { return static_cast<uint8_t>(byte - 0x20) > 0x5E ? 1 : 0; }

// Then there is nothing to escape.
bool is_plain_ascii(std::string_view text) { return all_good(text, not_plain); }

bool is_plain_in_json(std::string_view text) {
  return all_good(text, [](uint8_t byte) {
    return static_cast<uint8_t>(not_plain(byte) | (byte == '"' ? 1 : 0) | (byte == '\\' ? 1 : 0));
  });
}

void append_byte_escape(uint8_t byte, std::string& out) {
  out += "\\x";
  out += kHex[byte >> 4];
  out += kHex[byte & 0x0F];
}

void append_code_point_escape(char32_t point, std::string& out) {
  if (point < 0x80) return append_byte_escape(static_cast<uint8_t>(point), out);
  char digits[8];
  size_t count = 0;
  for (; point != 0; point >>= 4) digits[count++] = kHex[point & 0x0F];
  out += "\\u{";
  out.append(std::make_reverse_iterator(digits + count), std::make_reverse_iterator(digits));
  out += '}';
}

void append_json_unit(uint32_t unit, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 0x0F];
}

void append_json_code_point(char32_t point, std::string& out) {
  if (point < 0x10000) return append_json_unit(point, out);
  append_json_unit(0xD800 + ((point - 0x10000) >> 10), out);
  append_json_unit(0xDC00 + ((point - 0x10000) & 0x3FF), out);
}

// Calls `hidden(code point)`, `invalid(byte)` and `plain(text)` for the parts of a text, in order.
// Runs of plain text come in one piece.
template <class Hidden, class Invalid, class Plain>
void split(std::string_view text, Hidden hidden, Invalid invalid, Plain plain) {
  size_t begin = 0;
  size_t i = 0;
  const auto flush = [&] {
    if (i > begin) plain(text.substr(begin, i - begin));
  };
  while (i < text.size()) {
    const CodePoint point = decode_utf8(text.substr(i));
    if (point.size != 0 && !is_hidden(point.value)) {
      i += point.size;
      continue;
    }
    flush();
    if (point.size == 0) {
      invalid(static_cast<uint8_t>(text[i]));
      i += 1;
    } else {
      hidden(point.value);
      i += point.size;
    }
    begin = i;
  }
  flush();
}

struct Width {
  char32_t first;
  char32_t last;
  uint8_t columns;
};
constexpr Width kWidths[] = {
#include "engine/unicode/display_width.inc"
};

size_t columns_of(char32_t point) {
  const auto* const found =
      std::lower_bound(std::begin(kWidths), std::end(kWidths), point,
                       [](const Width& width, char32_t value) { return width.last < value; });
  return found != std::end(kWidths) && point >= found->first ? found->columns : 1;
}

}  // namespace

bool is_hidden(char32_t point) {
  const auto within = [&](char32_t first, char32_t last) { return point >= first && point <= last; };
  if (point < 0x20 || within(0x7F, 0x9F)) return true;
  if (point < 0xAD) return false;
  return point == 0xAD || point == 0x61C || point == 0x180E || within(0x200B, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2060, 0x206F) || point == 0xFEFF || within(0xE0000, 0xE007F);
}

void append_escaped_text(std::string_view text, std::string& out) {
  if (is_plain_ascii(text)) {
    out += text;
    return;
  }
  split(
      text, [&](char32_t point) { append_code_point_escape(point, out); },
      [&](uint8_t byte) { append_byte_escape(byte, out); }, [&](std::string_view plain) { out += plain; });
}

std::string escape_text(std::string_view text) {
  std::string out;
  append_escaped_text(text, out);
  return out;
}

void append_json_escaped(std::string_view text, std::string& out) {
  if (is_plain_in_json(text)) {
    out += text;
    return;
  }
  split(
      text, [&](char32_t point) { append_json_code_point(point, out); },
      [&](uint8_t) { out += kReplacement; },
      [&](std::string_view plain) {
        size_t begin = 0;
        for (size_t i = 0; i < plain.size(); ++i) {
          if (plain[i] != '"' && plain[i] != '\\') continue;
          out += plain.substr(begin, i - begin);
          out += '\\';
          begin = i;
        }
        out += plain.substr(begin);
      });
}

void append_json_sanitized(std::string_view json, std::string& out) {
  if (is_plain_ascii(json)) {
    out += json;
    return;
  }
  bool in_string = false;
  bool escaped = false;
  split(
      json,
      [&](char32_t point) {
        escaped = false;
        if (in_string) {
          append_json_code_point(point, out);
        } else {
          out += ' ';  // only blanks, tabs and newlines stand between the tokens of a valid document
        }
      },
      [&](uint8_t) {
        escaped = false;
        out += kReplacement;
      },
      [&](std::string_view plain) {
        for (const char c : plain) {
          if (escaped) {
            escaped = false;
          } else if (in_string && c == '\\') {
            escaped = true;
          } else if (c == '"') {
            in_string = !in_string;
          }
        }
        out += plain;
      });
}

size_t display_width(std::string_view escaped) {
  size_t columns = 0;
  while (!escaped.empty()) {
    const CodePoint point = decode_utf8(escaped);
    columns += point.size == 0 || point.value < 0x300 ? 1 : columns_of(point.value);
    escaped.remove_prefix(point.size == 0 ? 1 : point.size);
  }
  return columns;
}

size_t replace_invalid_utf8(std::string_view text, std::string& out) {
  out.clear();
  size_t replaced = 0;
  size_t begin = 0;
  size_t i = 0;
  while (i < text.size()) {
    const CodePoint point = decode_utf8(text.substr(i));
    if (point.size != 0) {
      i += point.size;
      continue;
    }
    out += text.substr(begin, i - begin);
    out += kReplacement;
    ++replaced;
    begin = ++i;
  }
  out += text.substr(begin);
  return replaced;
}

}  // namespace detectd
