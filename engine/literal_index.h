// Thousands of keys, looked for in a text in one pass over it.
//
// A key within a text is found by four of its bytes, the rarest that it has: a bitmap of some thousand bits says
// of nearly every place in a text that none of the keys' four bytes are there; else a table names the keys that
// have these four, and they are compared. Whole texts and last parts are looked up by a hash.
//
//   key   "/etc/shadow"        text  cat /etc/shadow
//   gram  "shad" at 5                         ^^^^ in the bitmap: compare from 5 before
//
// A key within a text of fewer than four bytes has no place here: indexable().
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/text_key.h"

namespace detectd {

class LiteralIndex {
 public:
  static bool indexable(const TextKey& key) {
    return key.kind != TextKey::Kind::kWithin || key.text.size() >= kGramBytes;
  }

  // `owner` is what find() names where the key is there. Equal keys may have many owners.
  void add(const TextKey& key, uint32_t owner);
  // After the last add(), before the first find().
  void build();

  // Calls `found(owner)` for each owner of each key that `text` has, in any order, and maybe more than once.
  template <class Found>
  void find(std::string_view text, Found&& found) const {
    if (!whole_.empty()) name(whole_, text, found);
    if (!last_parts_.empty()) find_last_parts(text, found);
    if (text.size() >= kGramBytes && !literals_.empty()) find_within(text, found);
  }

 private:
  static constexpr size_t kGramBytes = 4;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using ByText = std::unordered_map<std::string, std::vector<uint32_t>, Hash, std::equal_to<>>;

  struct Literal {
    std::string text;
    uint32_t gram_at = 0;  // where in `text` its gram is
    std::vector<uint32_t> owners;
  };
  // The literals of one gram: by_gram_[begin] to by_gram_[end - 1]. None: begin == end.
  struct Slot {
    uint32_t gram = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  static uint32_t load(const char* from) {
    uint32_t gram = 0;
    std::memcpy(&gram, from, sizeof(gram));
    return gram;
  }
  static uint32_t mix(uint32_t gram) { return gram * 0x9E3779B1u; }

  template <class Found>
  static void name(const ByText& keys, std::string_view text, Found&& found) {
    const auto key = keys.find(text);
    if (key == keys.end()) return;
    for (const uint32_t owner : key->second) found(owner);
  }

  template <class Found>
  void find_last_parts(std::string_view text, Found&& found) const {
    for (const char separator : {'/', '\\'}) {
      const size_t begin = text.rfind(separator);
      if (begin != std::string_view::npos) name(last_parts_, text.substr(begin), found);
    }
  }

  template <class Found>
  void find_within(std::string_view text, Found&& found) const {
    const char* const last = text.data() + text.size() - kGramBytes;
    for (const char* at = text.data(); at <= last; ++at) {
      const uint32_t gram = load(at);
      const uint32_t bit = mix(gram) >> bitmap_shift_;
      if ((bitmap_[bit >> 6] >> (bit & 63) & 1) != 0) compare(text, at, gram, found);
    }
  }

  template <class Found>
  void compare(std::string_view text, const char* at, uint32_t gram, Found&& found) const {
    const size_t mask = slots_.size() - 1;
    for (size_t slot = mix(gram) >> slot_shift_;; slot = (slot + 1) & mask) {
      const Slot& keys = slots_[slot];
      if (keys.begin == keys.end) return;
      if (keys.gram != gram) continue;
      const auto before = static_cast<size_t>(at - text.data());
      for (uint32_t i = keys.begin; i < keys.end; ++i) {
        const Literal& literal = literals_[i];
        if (literal.gram_at > before || literal.text.size() - literal.gram_at > text.size() - before)
          continue;
        if (std::memcmp(at - literal.gram_at, literal.text.data(), literal.text.size()) != 0) continue;
        for (const uint32_t owner : literal.owners) found(owner);
      }
      return;
    }
  }

  ByText whole_;
  ByText last_parts_;
  ByText within_;                  // until build()
  std::vector<Literal> literals_;  // by gram
  std::vector<uint64_t> bitmap_;
  uint32_t bitmap_shift_ = 0;
  std::vector<Slot> slots_;
  uint32_t slot_shift_ = 0;
};

}  // namespace detectd
