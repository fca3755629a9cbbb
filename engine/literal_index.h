// Thousands of keys, looked for in a text in one pass over it.
//
// A key within a text is found by four of its bytes, the rarest that it has: some thousand marks say of nearly
// every place in a text that none of the keys' four bytes are there; else a table names the keys that have these
// four, and they are compared. Whole texts and last parts are looked up by a hash, where a key has that size.
//
//   key   "/etc/shadow"        text  cat /etc/shadow
//   gram  "shad" at 5                         ^^^^ is marked: compare from 5 before
//
// Where there are keys of two or three bytes, a second pass finds them by two. Single bytes are looked for one by
// one, and what is within any text has no place here: indexable().
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/gram_table.h"
#include "engine/text_key.h"

namespace detectd {

class LiteralIndex {
 public:
  static bool indexable(const TextKey& key) {
    return key.kind != TextKey::Kind::kWithin || !key.text.empty();
  }

  // `owner` is what find() names where the key is there. Equal keys may have many owners.
  void add(const TextKey& key, uint32_t owner);
  // After the last add(), before the first find().
  void build();

  // Calls `found(owner)` for each owner of each key that `text` has, in any order, and maybe more than once.
  template <class Found>
  void find(std::string_view text, Found&& found) const {
    if ((whole_sizes_ >> std::min(text.size(), kLastSize) & 1) != 0) name(whole_, text, found);
    if (!last_parts_.empty()) find_last_parts(text, found);
    long_.find(text, found);
    short_.find(text, found);
    for (const auto& [byte, owners] : bytes_) {
      if (text.find(byte) == std::string_view::npos) continue;
      for (const uint32_t owner : owners) found(owner);
    }
  }

 private:
  static constexpr size_t kShortBytes = 2;
  static constexpr size_t kLongBytes = 4;
  static constexpr size_t kLastSize = 63;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using ByText = std::unordered_map<std::string, std::vector<uint32_t>, Hash, std::equal_to<>>;

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

  ByText whole_;
  uint64_t whole_sizes_ = 0;  // bit by size, the last for all from there on
  ByText last_parts_;
  ByText within_;  // until build()
  GramTable<kLongBytes> long_;
  GramTable<kShortBytes> short_;
  std::vector<std::pair<char, std::vector<uint32_t>>> bytes_;
};

}  // namespace detectd
