// Literals looked for in a text by some of their bytes (literal_index.h): marks say of nearly every place that no
// literal is there, a table names those that may be.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/text_key.h"

namespace detectd {

template <size_t kBytes>
class GramTable {
 public:
  static_assert(kBytes >= 2 && kBytes <= sizeof(uint32_t));

  // `text` has kBytes or more, and comes once.
  void add(std::string text, std::vector<uint32_t> owners) {
    // The rarest; of equally rare ones that of the fewest literals, so that no gram stands for very many.
    size_t best = 0;
    double least = 2;
    size_t fewest = 0;
    for (size_t i = 0; i + kBytes <= text.size(); ++i) {
      const double frequency = frequency_of_gram(std::string_view(text).substr(i, kBytes));
      if (frequency > least) continue;
      const auto others = by_gram_.find(load(text.data() + i));
      const size_t load_of_gram = others == by_gram_.end() ? 0 : others->second.size();
      if (frequency == least && load_of_gram >= fewest) continue;
      best = i;
      least = frequency;
      fewest = load_of_gram;
    }
    const uint32_t gram = load(text.data() + best);
    by_gram_[gram].push_back({std::move(text), static_cast<uint32_t>(best), std::move(owners)});
  }

  // After the last add(), before the first find().
  void build() {
    if (by_gram_.empty()) return;
    marks_.assign(std::clamp(std::bit_ceil(by_gram_.size() * kMarksPerGram), kMinMarks, kMaxMarks), 0);
    mark_shift_ = shift_of(marks_.size());
    slots_.assign(std::bit_ceil(by_gram_.size() * 2 + 2), Slot{});
    slot_shift_ = shift_of(slots_.size());
    for (auto& [gram, literals] : by_gram_) {
      marks_[place_of(gram)] = 1;
      size_t slot = mix(gram) >> slot_shift_;
      while (slots_[slot].begin != slots_[slot].end) slot = (slot + 1) & (slots_.size() - 1);
      const auto begin = static_cast<uint32_t>(literals_.size());
      for (Literal& literal : literals) literals_.push_back(std::move(literal));
      slots_[slot] = {gram, begin, static_cast<uint32_t>(literals_.size())};
    }
    by_gram_.clear();
  }

  // Calls `found(owner)` for each owner of each literal in `text`, and maybe more than once.
  template <class Found>
  void find(std::string_view text, Found&& found) const {
    if (text.size() < kBytes || literals_.empty()) return;
    const uint8_t* const marks = marks_.data();
    const uint32_t shift = mark_shift_;
    const char* at = text.data();
    const char* const end = at + text.size() - kBytes + 1;
    const auto look = [&] {
      const uint32_t gram = load(at);
      if (marks[place_of(gram, shift)] != 0) compare(text, at, gram, found);
    };
    // Four places by one branch: nearly always none is marked.
    while (end - at >= 4) {
      const int any = marks[place_of(load(at), shift)] | marks[place_of(load(at + 1), shift)] |
                      marks[place_of(load(at + 2), shift)] | marks[place_of(load(at + 3), shift)];
      if (any == 0) {
        at += 4;
        continue;
      }
      for (const char* const next = at + 4; at < next; ++at) look();
    }
    for (; at < end; ++at) look();
  }

 private:
  // So that about one in 32 places of any text is marked by chance, up to 128 KiB. Each two bytes have a mark of
  // their own.
  static constexpr size_t kMarksPerGram = 32;
  static constexpr size_t kMinMarks = size_t{1} << (kBytes == 2 ? 16 : 9);
  static constexpr size_t kMaxMarks = size_t{1} << (kBytes == 2 ? 16 : 17);

  struct Literal {
    std::string text;
    uint32_t gram_at = 0;  // where in `text` its gram is
    std::vector<uint32_t> owners;
  };
  // The literals of one gram: literals_[begin] to literals_[end - 1]. None: begin == end.
  struct Slot {
    uint32_t gram = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
  };

  static uint32_t load(const char* from) {
    uint32_t gram = 0;
    std::memcpy(&gram, from, kBytes);
    return gram;
  }
  static uint32_t place_of(uint32_t gram, uint32_t shift) { return kBytes == 2 ? gram : mix(gram) >> shift; }
  uint32_t place_of(uint32_t gram) const { return place_of(gram, mark_shift_); }
  static uint32_t mix(uint32_t gram) { return gram * 0x9E3779B1u; }
  static uint32_t shift_of(size_t power_of_two) {
    return 32 - static_cast<uint32_t>(std::countr_zero(power_of_two));
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

  std::map<uint32_t, std::vector<Literal>> by_gram_;  // until build()
  std::vector<Literal> literals_;                     // by gram
  std::vector<uint8_t> marks_;                        // 1 where a gram has its place
  uint32_t mark_shift_ = 0;
  std::vector<Slot> slots_;
  uint32_t slot_shift_ = 0;
};

}  // namespace detectd
