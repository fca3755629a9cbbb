#include "engine/literal_index.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace detectd {

void LiteralIndex::add(const TextKey& key, uint32_t owner) {
  assert(indexable(key) && "bytes to find it by");
  switch (key.kind) {
    case TextKey::Kind::kWhole:
      whole_[key.text].push_back(owner);
      whole_sizes_ |= uint64_t{1} << std::min(key.text.size(), kLastSize);
      break;
    case TextKey::Kind::kLastPart: last_parts_[key.text].push_back(owner); break;
    case TextKey::Kind::kWithin: within_[key.text].push_back(owner); break;
  }
}

void LiteralIndex::build() {
  std::vector<std::string_view> texts;
  for (const auto& key : within_) texts.push_back(key.first);
  std::sort(texts.begin(), texts.end());
  for (const std::string_view text : texts) {
    const auto key = within_.find(text);
    if (text.size() < kShortBytes) {
      bytes_.emplace_back(text.front(), std::move(key->second));
    } else if (text.size() < kLongBytes) {
      short_.add(key->first, std::move(key->second));
    } else {
      long_.add(key->first, std::move(key->second));
    }
  }
  within_.clear();
  short_.build();
  long_.build();
}

}  // namespace detectd
