// The names a captured line may use, as a tree over their parts (`process` `parent` `pid`), found by a hash
// of the whole path, so that a nested and a dotted name end at the same node. Built once from a Schema.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/captured_value.h"
#include "engine/fields.h"

namespace detectd {

struct NameNode {
  static constexpr uint16_t kNoField = 0xFFFF;
  // Names that mean something to the codec itself.
  enum class Role : uint8_t {
    kNone,
    kTimestamp,
    kAction,
    kEventType,
    kSequence,
    kProcessPid,
    kCapture,
    kHeaderVersion,
    kHeaderHost,
    kHeaderHostId,
    kHeaderBootId,
    kHeaderPart,
    kHeaderStarted,
    kHeaderBooted,
  };

  uint64_t hash = 0;
  uint64_t word = 0;  // of `part`, as NamePart::word
  uint32_t parent = 0;
  uint16_t field_index = kNoField;
  FieldType type = FieldType::kAny;
  ValueCheck check = ValueCheck::kAny;
  Role role = Role::kNone;
  bool table = false;  // a field of the table (or its alias): a value, never an object
  bool alias = false;  // `user.id` for process.user.id: gives way to the real one
  bool wanted = false;
  bool demanding = false;  // its values are read by type, checked, or mean something to the codec
  // Integers from 0 up to this one are what the table allows, and mean nothing to the codec; -1: none.
  int64_t most = -1;
  bool searchable = false;  // unknown text at and below it is for keyword searches
  std::string part;

  bool has_field() const { return field_index != kNoField; }
  FieldId field() const { return FieldId(field_index); }
};

// A part of a name, with the hash of the path that ends with it.
struct NamePart {
  uint64_t hash = 0;
  uint64_t word = 0;   // its last 1 to 8 bytes
  bool simple = true;  // no dot and no backslash in it
};
// Reads exactly `part`.
NamePart hash_part(uint64_t parent_hash, std::string_view part);
// The same, where 8 bytes can be read from the begin of `part`; most parts are that short.
inline NamePart hash_padded_part(uint64_t parent_hash, std::string_view part);

class NameTree {
 public:
  explicit NameTree(const Schema& schema);

  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();

  size_t size() const { return nodes_.size(); }
  const NameNode& node(uint32_t index) const { return nodes_[index]; }
  // kUnknown where there is none; the texts are compared, so equal hashes do no harm.
  uint32_t child(uint32_t parent, const NamePart& part, std::string_view text) const {
    if (parent == kUnknown) return kUnknown;
    for (size_t at = part.hash & mask_;; at = (at + 1) & mask_) {
      const uint32_t index = slots_[at];
      if (index == kUnknown) return kUnknown;
      const NameNode& node = nodes_[index];
      if (node.hash != part.hash || node.parent != parent || node.word != part.word) continue;
      if (node.part.size() != text.size()) continue;
      if (text.size() <= 8 || node.part == text) return index;
    }
  }
  // The node of a dotted name.
  uint32_t find(std::string_view name) const;
  // The dotted name of a node.
  std::string name(uint32_t index) const;

 private:
  uint32_t insert(std::string_view name);
  void add_table_field(FieldId id, const Schema& schema);
  void add_schema_field(FieldId id, const Schema& schema);
  void add_role(std::string_view name, NameNode::Role role);
  void index_nodes();
  uint32_t find_slowly(uint32_t parent, std::string_view part) const;

  std::vector<NameNode> nodes_;
  std::vector<uint32_t> slots_;
  size_t mask_ = 0;
};

namespace name_tree_internal {

inline constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;

// Not zero if a byte of `word` is `c`.
constexpr uint64_t has_byte(uint64_t word, char c) {
  const uint64_t x = word ^ (0x0101010101010101u * static_cast<uint8_t>(c));
  return (x - 0x0101010101010101u) & ~x & 0x8080808080808080u;
}
constexpr uint64_t special_bytes(uint64_t word) { return has_byte(word, '.') | has_byte(word, '\\'); }

constexpr uint64_t begin_hash(uint64_t parent_hash, size_t size) {
  return (parent_hash + size + 1) * kMultiplier;
}
constexpr uint64_t mix(uint64_t hash, uint64_t word) { return (std::rotl(hash, 29) ^ word) * kMultiplier; }
constexpr uint64_t end_hash(uint64_t hash) { return hash ^ (hash >> 32); }

}  // namespace name_tree_internal

inline NamePart hash_padded_part(uint64_t parent_hash, std::string_view part) {
  using namespace name_tree_internal;
  if (part.empty() || part.size() > 8) return hash_part(parent_hash, part);
  uint64_t word = 0;
  std::memcpy(&word, part.data(), 8);
  word &= ~uint64_t{0} >> (64 - 8 * part.size());  // little-endian
  return {end_hash(mix(begin_hash(parent_hash, part.size()), word)), word, special_bytes(word) == 0};
}

}  // namespace detectd
