#include "engine/text_key.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace detectd {
namespace {

constexpr size_t kGramBytes = 4;
// What the table leaves out is rarer than its last level.
constexpr int kRareLevel = 12;

using Levels = std::unordered_map<uint32_t, int>;

uint32_t load_gram(const char* from) {
  uint32_t gram = 0;
  std::memcpy(&gram, from, sizeof(gram));
  return gram;
}

Levels read_table() {
  Levels levels;
  const auto add = [&](int level, std::string_view grams) {
    for (size_t i = 0; i + kGramBytes <= grams.size(); i += kGramBytes) {
      levels.emplace(load_gram(grams.data() + i), level);
    }
  };
#define GRAMS(level, text) add(level, {text, sizeof(text) - 1});
#include "engine/frequency/common_grams.inc"
#undef GRAMS
  return levels;
}

int level_of(const char* gram) {
  static const Levels kLevels = read_table();
  const auto found = kLevels.find(load_gram(gram));
  return found == kLevels.end() ? kRareLevel : found->second;
}

}  // namespace

double frequency_of_gram(const char* gram) { return std::ldexp(1, -level_of(gram)); }

double frequency_of(const TextKey& key) {
  std::string text = key.text;
  if (key.kind == TextKey::Kind::kWhole) text.insert(text.begin(), '\0');
  if (key.kind != TextKey::Kind::kWithin) text.push_back('\0');
  // Too short to be rare.
  if (text.size() < kGramBytes) return 0.5;
  int level = 0;
  for (size_t i = 0; i + kGramBytes <= text.size(); ++i) level = std::max(level, level_of(text.data() + i));
  return std::ldexp(1, -level);
}

double frequency_of(const std::vector<TextKey>& any_of) {
  double sum = 0;
  for (const TextKey& key : any_of) sum += frequency_of(key);
  return sum;
}

}  // namespace detectd
