// A set of 64-bit hashes that is emptied in no time, for one line after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace detectd {

class KeySet {
 public:
  // False if `key` is in the set already.
  bool insert(uint64_t key) {
    if (size_ * 2 >= slots_.size()) grow();
    const size_t mask = slots_.size() - 1;
    for (size_t at = (key ^ (key >> 29)) & mask;; at = (at + 1) & mask) {
      Slot& slot = slots_[at];
      if (slot.round != round_) {
        slot = {key, round_};
        ++size_;
        return true;
      }
      if (slot.key == key) return false;
    }
  }

  void clear() {
    size_ = 0;
    if (slots_.size() > kKept || ++round_ == 0) {
      slots_.assign(kFirst, Slot{});
      round_ = 1;
    }
  }

 private:
  // After a line with very many keys the memory is given back.
  static constexpr size_t kFirst = 256;
  static constexpr size_t kKept = size_t{1} << 14;

  struct Slot {
    uint64_t key = 0;
    uint32_t round = 0;
  };

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    size_ = 0;
    for (const Slot& slot : old) {
      if (slot.round == round_) insert(slot.key);
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kFirst);
  size_t size_ = 0;
  uint32_t round_ = 1;
};

}  // namespace detectd
