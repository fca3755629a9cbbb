// UTF-8, one code point at a time, strictly (no overlong forms, no surrogates). Safe on any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace detectd {

struct CodePoint {
  char32_t value = 0;
  uint32_t size = 0;  // bytes; 0 where the text is not valid UTF-8 at this place
};

// The code point at the start of a text that is not empty.
inline CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto continues = [&](size_t i) { return i < text.size() && (byte(i) & 0xC0u) == 0x80u; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xC2 || lead > 0xF4 || !continues(1)) return {};
  const char32_t tail1 = byte(1) & 0x3Fu;
  if (lead < 0xE0) return {(lead & 0x1Fu) << 6 | tail1, 2};
  if (!continues(2)) return {};
  const char32_t tail2 = byte(2) & 0x3Fu;
  if (lead < 0xF0) {
    const char32_t value = (lead & 0x0Fu) << 12 | tail1 << 6 | tail2;
    if (value < 0x800 || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, 3};
  }
  if (!continues(3)) return {};
  const char32_t value = (lead & 0x07u) << 18 | tail1 << 12 | tail2 << 6 | (byte(3) & 0x3Fu);
  if (value < 0x10000 || value > 0x10FFFF) return {};
  return {value, 4};
}

// Bytes of the code point at the start of a text that is not empty; an invalid byte counts by
// itself.
inline size_t code_point_size(std::string_view text) {
  const uint32_t size = decode_utf8(text).size;
  return size == 0 ? 1 : size;
}

// The same for the last code point of a text that is not empty.
inline size_t last_code_point_size(std::string_view text) {
  for (size_t size = 2; size <= 4 && size <= text.size(); ++size) {
    if (decode_utf8(text.substr(text.size() - size)).size == size) return size;
  }
  return 1;
}

inline void append_utf8(char32_t value, std::string& out) {
  if (value < 0x80) {
    out += static_cast<char>(value);
  } else if (value < 0x800) {
    out += static_cast<char>(0xC0 | value >> 6);
    out += static_cast<char>(0x80 | (value & 0x3F));
  } else if (value < 0x10000) {
    out += static_cast<char>(0xE0 | value >> 12);
    out += static_cast<char>(0x80 | (value >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (value & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | value >> 18);
    out += static_cast<char>(0x80 | (value >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (value >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (value & 0x3F));
  }
}

inline bool is_ascii(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x80) return false;
  }
  return true;
}

}  // namespace detectd
