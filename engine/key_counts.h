// How often each of some 64-bit hashes came, forgotten in no time: for one line or one second after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/seeded_hash.h"

namespace detectd {

class KeyCounts {
 public:
  // Of `key`, from 0; may be changed until the next call.
  uint32_t& operator[](uint64_t key) {
    if (size_ * 2 >= slots_.size()) grow();
    Slot& slot = slots_[place_of(key)];
    if (slot.round != round_) {
      slot = {key, round_, 0};
      ++size_;
    }
    return slot.count;
  }
  uint32_t find(uint64_t key) const {
    const Slot& slot = slots_[place_of(key)];
    return slot.round == round_ ? slot.count : 0;
  }

  // Of different keys.
  size_t size() const { return size_; }

  void clear() {
    size_ = 0;
    if (slots_.size() > kKept || ++round_ == 0) {
      slots_.assign(kFirst, Slot{});
      round_ = 1;
    }
  }

 private:
  // After very many keys the memory is given back.
  static constexpr size_t kFirst = 256;
  static constexpr size_t kKept = size_t{1} << 14;

  struct Slot {
    uint64_t key = 0;
    uint32_t round = 0;
    uint32_t count = 0;
  };

  // Where it is, or belongs.
  size_t place_of(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t at = hash_(key) & mask;
    while (slots_[at].round == round_ && slots_[at].key != key) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.round == round_) slots_[place_of(slot.key)] = slot;
    }
  }

  SeededHash hash_{this};
  std::vector<Slot> slots_ = std::vector<Slot>(kFirst);
  size_t size_ = 0;
  uint32_t round_ = 1;
};

}  // namespace detectd
