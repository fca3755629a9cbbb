#include "engine/text_fold.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "engine/utf8.h"

namespace detectd {
namespace {

struct Pair {
  uint32_t from;
  uint32_t to;
};
constexpr Pair kPairs[] = {
#include "engine/unicode/case_folding.inc"
};

// Two levels: a page of 128 code points, and in it how far each one moves. Page 0 moves nothing.
constexpr uint32_t kPageBits = 7;
constexpr uint32_t kPageSize = 1u << kPageBits;
constexpr size_t kPages = (std::end(kPairs)[-1].from >> kPageBits) + 1;

constexpr size_t used_pages() {
  size_t used = 1;
  uint32_t last = UINT32_MAX;
  for (const Pair& pair : kPairs) {
    if (pair.from >> kPageBits != last) ++used;
    last = pair.from >> kPageBits;
  }
  return used;
}

struct FoldTable {
  std::array<uint8_t, kPages> page{};
  std::array<std::array<int32_t, kPageSize>, used_pages()> move{};
};

constexpr FoldTable make_table() {
  FoldTable table;
  uint8_t used = 0;
  for (const Pair& pair : kPairs) {
    uint8_t& page = table.page[pair.from >> kPageBits];
    if (page == 0) page = ++used;
    table.move[page][pair.from & (kPageSize - 1)] =
        static_cast<int32_t>(pair.to) - static_cast<int32_t>(pair.from);
  }
  return table;
}

constexpr FoldTable kTable = make_table();

constexpr uint64_t repeat(uint8_t byte) { return 0x0101010101010101u * byte; }

// The top bit of each byte that is one of A..Z; only for words without a byte above 0x7F.
constexpr uint64_t capitals(uint64_t word) {
  const uint64_t at_least_a = word + repeat(0x80 - 'A');
  const uint64_t above_z = word + repeat(0x80 - 'Z' - 1);
  return (at_least_a & ~above_z) & repeat(0x80);
}

uint64_t load(const char* from) {
  uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

// Appends the folded code point at the start of `text`, which begins with a byte above 0x7F.
char* fold_one(std::string_view text, size_t& used, char* out) {
  const CodePoint point = decode_utf8(text);
  used = point.size == 0 ? 1 : point.size;
  const char32_t to = fold_code_point(point.value);
  if (to == point.value || point.size == 0) {
    std::memcpy(out, text.data(), used);
    return out + used;
  }
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | (to >> shift & 0x3F)); };
  if (to < 0x80) {
    *out++ = static_cast<char>(to);
  } else if (to < 0x800) {
    *out++ = static_cast<char>(0xC0 | to >> 6);
    *out++ = tail(0);
  } else if (to < 0x10000) {
    *out++ = static_cast<char>(0xE0 | to >> 12);
    *out++ = tail(6);
    *out++ = tail(0);
  } else {
    *out++ = static_cast<char>(0xF0 | to >> 18);
    *out++ = tail(12);
    *out++ = tail(6);
    *out++ = tail(0);
  }
  return out;
}

}  // namespace

char32_t fold_code_point(char32_t code_point) {
  const size_t page = code_point >> kPageBits;
  if (page >= kPages) return code_point;
  const int32_t move = kTable.move[kTable.page[page]][code_point & (kPageSize - 1)];
  return static_cast<char32_t>(static_cast<int32_t>(code_point) + move);
}

size_t fold_into(std::string_view text, char* out) {
  char* const begin = out;
  size_t i = 0;
  while (i < text.size()) {
    if (text.size() - i >= sizeof(uint64_t)) {
      const uint64_t word = load(text.data() + i);
      if ((word & repeat(0x80)) == 0) {
        const uint64_t lower = word | capitals(word) >> 2;  // 0x80 >> 2 is the bit between A and a
        std::memcpy(out, &lower, sizeof lower);
        out += sizeof lower;
        i += sizeof lower;
        continue;
      }
    }
    const char c = text[i];
    if (static_cast<uint8_t>(c) < 0x80) {
      *out++ = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
      ++i;
    } else {
      size_t used = 0;
      out = fold_one(text.substr(i), used, out);
      i += used;
    }
  }
  return static_cast<size_t>(out - begin);
}

void fold(std::string_view text, std::string& out) {
  out.resize(max_folded_size(text.size()));
  out.resize(fold_into(text, out.data()));
}

std::string folded(std::string_view text) {
  std::string out;
  fold(text, out);
  return out;
}

bool is_folded_ascii(std::string_view text) {
#ifdef __SSE2__
  constexpr size_t kLanes = sizeof(__m128i);
  if (text.size() >= kLanes) {
    // Bytes beyond ASCII are negative. Shifted so that the capitals are the lowest of all.
    const __m128i to_lowest = _mm_set1_epi8(static_cast<char>(0x80 - 'A'));
    const __m128i behind_capitals = _mm_set1_epi8(static_cast<char>(0x80 + 26));
    const size_t last = text.size() - kLanes;  // overlaps the block before
    for (size_t i = 0;; i = std::min(i + kLanes, last)) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + i));
      const __m128i capitals = _mm_cmplt_epi8(_mm_add_epi8(bytes, to_lowest), behind_capitals);
      if (_mm_movemask_epi8(_mm_or_si128(bytes, capitals)) != 0) return false;
      if (i == last) return true;
    }
  }
#endif
  size_t i = 0;
  for (; text.size() - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
    const uint64_t word = load(text.data() + i);
    if (((word & repeat(0x80)) | capitals(word)) != 0) return false;
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<uint8_t>(c) >= 0x80 || (c >= 'A' && c <= 'Z')) return false;
  }
  return true;
}

}  // namespace detectd
