// Where keys belong in an open hash table, chosen so that who chooses the keys can not make them collide.
#pragma once

#include <cstdint>

namespace detectd {

class SeededHash {
 public:
  // The seed is where the table lies, which whoever wrote a capture does not know. No result may depend on it.
  explicit SeededHash(const void* table) : seed_(mixed(reinterpret_cast<uintptr_t>(table))) {}

  uint64_t operator()(uint64_t key) const { return mixed(mixed(key ^ seed_) + seed_); }

 private:
  // The finaliser of splitmix64.
  static constexpr uint64_t mixed(uint64_t x) {
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9u;
    x ^= x >> 27;
    x *= 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }

  uint64_t seed_;
};

}  // namespace detectd
