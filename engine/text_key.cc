#include "engine/text_key.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace detectd {
namespace {

constexpr size_t kGramBytes = 4;
// What the table leaves out is rarer than its last level; of two and three bytes, in which much of that comes
// together, by a guess.
constexpr int kRareLevel = 12;
constexpr double kRarePair = 1.0 / 64;
constexpr double kRareTriple = 1.0 / 512;

uint32_t load_gram(std::string_view gram) {
  uint32_t bytes = 0;
  std::memcpy(&bytes, gram.data(), gram.size());
  return bytes;
}

// By gram. Of two and three bytes: those of the table that begin with them, together.
class Frequencies {
 public:
  Frequencies() {
#define GRAMS(level, text) add(level, {text, sizeof(text) - 1});
#include "engine/frequency/common_grams.inc"
#undef GRAMS
  }

  double of(std::string_view gram) const {
    const auto& known = by_size_[gram.size()];
    const auto found = known.find(load_gram(gram));
    if (gram.size() == kGramBytes) return found == known.end() ? std::ldexp(1, -kRareLevel) : found->second;
    const double rare = gram.size() == 2 ? kRarePair : kRareTriple;
    return std::min(1.0, rare + (found == known.end() ? 0 : found->second));
  }

 private:
  void add(int level, std::string_view grams) {
    for (size_t i = 0; i + kGramBytes <= grams.size(); i += kGramBytes) {
      for (size_t size = 2; size <= kGramBytes; ++size) {
        by_size_[size][load_gram(grams.substr(i, size))] += std::ldexp(1, -level);
      }
    }
  }

  std::array<std::unordered_map<uint32_t, double>, kGramBytes + 1> by_size_;
};

}  // namespace

double frequency_of_gram(std::string_view gram) {
  assert(gram.size() >= 2 && gram.size() <= kGramBytes && "what the table is about");
  static const Frequencies kFrequencies;
  return kFrequencies.of(gram);
}

double frequency_of(const TextKey& key) {
  std::string text = key.text;
  if (key.kind == TextKey::Kind::kWhole) text.insert(text.begin(), '\0');
  if (key.kind != TextKey::Kind::kWithin) text.push_back('\0');
  // Too short to be rare.
  if (text.size() < 2) return 0.5;
  const size_t size = std::min(text.size(), kGramBytes);
  double least = 1;
  for (size_t i = 0; i + size <= text.size(); ++i) {
    least = std::min(least, frequency_of_gram(std::string_view(text).substr(i, size)));
  }
  return least;
}

double frequency_of(const std::vector<TextKey>& any_of) {
  double sum = 0;
  for (const TextKey& key : any_of) sum += frequency_of(key);
  return sum;
}

}  // namespace detectd
