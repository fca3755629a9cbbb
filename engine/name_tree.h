// The names a captured line may use, as a tree over their parts (`process` `parent` `pid`), found by a hash
// of the whole path, so that a nested and a dotted name end at the same node. Built once from a Schema.
#pragma once

#include <cstdint>
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
  };

  uint64_t hash = 0;
  uint32_t parent = 0;
  uint16_t field_index = kNoField;
  FieldType type = FieldType::kAny;
  ValueCheck check = ValueCheck::kAny;
  Role role = Role::kNone;
  bool table = false;  // a field of the table (or its alias): a value, never an object
  bool alias = false;  // `user.id` for process.user.id: gives way to the real one
  bool wanted = false;
  bool searchable = false;  // unknown text at and below it is for keyword searches
  std::string part;

  bool has_field() const { return field_index != kNoField; }
  FieldId field() const { return FieldId(field_index); }
};

// A part of a name, with the hash of the path that ends with it.
struct NamePart {
  uint64_t hash = 0;
  bool simple = true;  // no dot and no backslash in it
};
// Reads exactly `part`.
NamePart hash_part(uint64_t parent_hash, std::string_view part);

class NameTree {
 public:
  explicit NameTree(const Schema& schema);

  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();

  const NameNode& node(uint32_t index) const { return nodes_[index]; }
  // kUnknown where there is none; `part` is compared, so equal hashes do no harm.
  uint32_t child(uint32_t parent, uint64_t hash, std::string_view part) const {
    if (parent == kUnknown) return kUnknown;
    for (size_t at = hash & mask_;; at = (at + 1) & mask_) {
      const uint32_t index = slots_[at];
      if (index == kUnknown) return kUnknown;
      const NameNode& node = nodes_[index];
      if (node.hash == hash && node.parent == parent && node.part == part) return index;
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

}  // namespace detectd
