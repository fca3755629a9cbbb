#include "engine/literal_index.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace detectd {
namespace {

// So that about one in 64 places of any text passes the bitmap by chance, up to 32 KiB, which a first cache
// holds together with the text.
constexpr size_t kBitsPerGram = 64;
constexpr size_t kMinBits = size_t{1} << 9;
constexpr size_t kMaxBits = size_t{1} << 18;

uint32_t shift_of(size_t power_of_two) { return 32 - static_cast<uint32_t>(std::countr_zero(power_of_two)); }

}  // namespace

void LiteralIndex::add(const TextKey& key, uint32_t owner) {
  assert(indexable(key) && "four bytes to find it by");
  switch (key.kind) {
    case TextKey::Kind::kWhole: whole_[key.text].push_back(owner); break;
    case TextKey::Kind::kLastPart: last_parts_[key.text].push_back(owner); break;
    case TextKey::Kind::kWithin: within_[key.text].push_back(owner); break;
  }
}

void LiteralIndex::build() {
  std::map<uint32_t, std::vector<Literal>> by_gram;
  std::vector<std::string_view> texts;
  for (const auto& key : within_) texts.push_back(key.first);
  std::sort(texts.begin(), texts.end());
  for (const std::string_view text : texts) {
    // The rarest; of equally rare ones that of the fewest literals, so that no gram stands for very many.
    size_t best = 0;
    double least = 2;
    size_t fewest = 0;
    for (size_t i = 0; i + kGramBytes <= text.size(); ++i) {
      const double frequency = frequency_of_gram(text.data() + i);
      const auto others = by_gram.find(load(text.data() + i));
      const size_t load_of_gram = others == by_gram.end() ? 0 : others->second.size();
      if (frequency > least || (frequency == least && load_of_gram >= fewest)) continue;
      best = i;
      least = frequency;
      fewest = load_of_gram;
    }
    const auto key = within_.find(text);
    by_gram[load(text.data() + best)].push_back(
        {.text = key->first, .gram_at = static_cast<uint32_t>(best), .owners = std::move(key->second)});
  }
  within_.clear();
  const size_t bits = std::clamp(std::bit_ceil(by_gram.size() * kBitsPerGram), kMinBits, kMaxBits);
  bitmap_.assign(bits / 64, 0);
  bitmap_shift_ = shift_of(bits);
  slots_.assign(std::bit_ceil(by_gram.size() * 2 + 2), Slot{});
  slot_shift_ = shift_of(slots_.size());
  for (auto& [gram, literals] : by_gram) {
    const uint32_t bit = mix(gram) >> bitmap_shift_;
    bitmap_[bit >> 6] |= uint64_t{1} << (bit & 63);
    size_t slot = mix(gram) >> slot_shift_;
    while (slots_[slot].begin != slots_[slot].end) slot = (slot + 1) & (slots_.size() - 1);
    const auto begin = static_cast<uint32_t>(literals_.size());
    for (Literal& literal : literals) literals_.push_back(std::move(literal));
    slots_[slot] = {gram, begin, static_cast<uint32_t>(literals_.size())};
  }
}

}  // namespace detectd
