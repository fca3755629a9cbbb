// The orders in which lines had their keys, as a tree: lines of one kind have the same keys in the same order, and
// a key that is expected is compared, where any other must be looked for, and its repetition too.
//
//   {"a":1,"b":{"c":2}}   {"a":1,"d":3}        a ─ b ─ c
//                                                └ d
//
// A step is a key and where it stood: after how many closed objects. A line that goes the way of an earlier one from
// begin to end has that one's keys at the same places, so what was found out about them holds again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

class LineShapes {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  // Bytes behind the begin of a key that find() may read.
  static constexpr size_t kPadding = 64;
  static constexpr size_t kMaxKeyBytes = kPadding - 1;
  // When there are more, or more keys at one place, all are forgotten: what is usual is soon known again.
  static constexpr size_t kMaxSteps = 4096;
  static constexpr size_t kMaxOthers = 8;

  struct Member {
    uint32_t node = 0;    // of the name tree; NameTree::kUnknown if none
    uint32_t closed = 0;  // objects, between the member before and this one
    uint8_t depth = 0;    // of the object that it is in
    bool object = false;  // its value is one
    bool named = false;   // its value is one that the tree's node is about
    bool searchable = true;
  };
  struct Step : Member {
    uint32_t next = kNone;   // the first of the members that came behind it
    uint32_t other = kNone;  // that came at this place too
    uint32_t size = 0;       // of the key with the quote that closes it
    uint32_t text = 0;       // where it is in texts_
    uint64_t first = 0;      // its first bytes, up to eight
    uint64_t last = 0;       // its last eight where it has more
  };

  // The first step of all lines.
  uint32_t root() const { return root_; }
  const Step& step(uint32_t index) const { return steps_[index]; }
  // `step` or one of its others: that whose key, with its closing quote, is at `key`. kNone if none is.
  uint32_t find(uint32_t step, const char* key, uint32_t closed) const {
    for (; step != kNone; step = steps_[step].other) {
      if (steps_[step].closed == closed && is_at(steps_[step], key)) return step;
    }
    return kNone;
  }

  // A line that was read by other means: its members one by one, then keep() where it was good.
  void begin() {
    line_.clear();
    keys_.clear();
    worth_keeping_ = true;
  }
  // `key` without escapes, that are none of find()'s business.
  void add(std::string_view key, const Member& member) {
    if (!worth_keeping_) return;
    if (key.size() > kMaxKeyBytes || line_.size() == kMaxSteps) return pass();
    keys_.push_back(key);
    line_.push_back(member);
  }
  // The line is not to be kept.
  void pass() { worth_keeping_ = false; }
  void keep();

 private:
  static uint64_t load(const char* from) {
    uint64_t word = 0;
    std::memcpy(&word, from, sizeof(word));
    return word;
  }
  // The first bytes of a word, up to eight; little-endian.
  static uint64_t cut(uint64_t word, size_t bytes) {
    return bytes < sizeof(word) ? word & ((uint64_t{1} << 8 * bytes) - 1) : word;
  }
  bool is_at(const Step& step, const char* key) const {
    if (cut(load(key), step.size) != step.first) return false;
    if (step.size <= 8) return true;
    if (load(key + step.size - 8) != step.last) return false;
    return step.size <= 16 || std::memcmp(key, texts_.data() + step.text, step.size) == 0;
  }
  bool insert();
  void forget();
  bool is_same(const Step& step, size_t member) const;
  uint32_t make_step(std::string_view key, const Member& member);

  std::vector<Step> steps_;
  std::string texts_;
  uint32_t root_ = kNone;
  // Of the line that is being read; the keys stand in it.
  std::vector<Member> line_;
  std::vector<std::string_view> keys_;
  bool worth_keeping_ = false;
};

}  // namespace detectd
