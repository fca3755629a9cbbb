// Lineages that were stored a short while ago: the hits of one shell share theirs, which is then stored once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

class LineageCache {
 public:
  // Only hits of one such stretch of numbers share: when the last of it goes, its lineages can go.
  static constexpr int64_t kStretch = 1024;
  // A longer one is not kept.
  static constexpr size_t kMaxBytes = 4096;

  // The number of an earlier hit of the same stretch as `n` that was stored with that lineage; 0: none is known.
  int64_t find(std::string_view lineage, int64_t n) const {
    const Slot& slot = slots_[place_of(lineage)];
    return slot.n != 0 && slot.n / kStretch == n / kStretch && slot.lineage == lineage ? slot.n : 0;
  }
  // Hit `n` was stored with it. Takes the place of one that has the same, which need not be the oldest.
  void keep(std::string_view lineage, int64_t n) {
    if (lineage.size() <= kMaxBytes) slots_[place_of(lineage)].set(lineage, n);
  }
  void clear() {
    for (Slot& slot : slots_) slot.n = 0;
  }

 private:
  struct Slot {
    int64_t n = 0;
    std::string lineage;

    void set(std::string_view text, int64_t number) {
      lineage.assign(text);
      n = number;
    }
  };
  // Who chooses lineages to collide gets none of them shared, and nothing slower.
  static size_t place_of(std::string_view lineage) {
    return std::hash<std::string_view>()(lineage.substr(0, kHashedBytes)) % kSlots;
  }

  static constexpr size_t kHashedBytes = 64;  // the nearest ancestor's pid and identity
  static constexpr size_t kSlots = 1024;
  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);
};

}  // namespace detectd
