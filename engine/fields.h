// Fields: what an event can say. The table (field_table.def) is fixed; a rule set adds what its rules name
// beyond it (`labels.*`, and what `[fields]` declares). A Schema is both together, with what of it is
// wanted: the decoder keeps nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/event_kind.h"

namespace detectd {

// Below kFieldCount: the table. From there on: a Schema's own, in order of naming.
enum class FieldId : uint16_t {};

enum class FieldType : uint8_t { kText, kInteger, kReal, kBoolean, kIp, kTime, kAny };
enum class Trust : uint8_t { kKernel, kProcess };
enum class Lifetime : uint8_t { kOwn, kImage, kKept };

// A fact of a process, wherever it stands (`process.`, `process.parent.`, `Target.process.`).
enum class Leaf : uint8_t {
#define LEAF(constant, ...) constant,
#include "engine/field_table.def"
  kCount
};
inline constexpr size_t kLeafCount = static_cast<size_t>(Leaf::kCount);

// A set of leaves: bit by Leaf.
using LeafMask = uint64_t;
static_assert(kLeafCount <= 64);
constexpr LeafMask mask_of(Leaf leaf) { return LeafMask{1} << static_cast<unsigned>(leaf); }

constexpr FieldId process_field(Leaf leaf) { return FieldId(static_cast<uint16_t>(leaf)); }
constexpr FieldId parent_field(Leaf leaf) {
  return FieldId(static_cast<uint16_t>(kLeafCount + static_cast<size_t>(leaf)));
}
constexpr FieldId target_field(Leaf leaf) {
  return FieldId(static_cast<uint16_t>(2 * kLeafCount + static_cast<size_t>(leaf)));
}

// The fields that are no leaves, by name: field::kTimestamp, field::kEscalated, ...
namespace field {
enum Other : uint16_t {
  kBeforeFirst = 3 * kLeafCount - 1,
#define FIELD(constant, ...) constant##Value,
#include "engine/field_table.def"
  kEnd
};
#define FIELD(constant, ...) inline constexpr FieldId constant{constant##Value};
#include "engine/field_table.def"
}  // namespace field
inline constexpr size_t kFieldCount = field::kEnd;

constexpr size_t index_of(FieldId id) { return static_cast<size_t>(id); }

struct FieldInfo {
  std::string_view name;
  FieldType type = FieldType::kText;
  bool many = false;  // multi-valued
  Trust trust = Trust::kProcess;
  KindSet kinds;  // the kinds that can carry it
  std::string_view meaning;
};

Lifetime lifetime_of(Leaf leaf);

// Which of an event's processes a field speaks of.
enum class Subject : uint8_t { kProcess, kParent, kTarget, kAncestors, kPrevious, kOther };
struct FieldPlace {
  Subject subject = Subject::kOther;
  Leaf leaf = Leaf::kCount;  // kCount where the subject is kOther
};
FieldPlace place_of(FieldId id);

// A field of the table by its whole name. In rules and at the top of a captured line `user.*`, `real_user.*`
// and `group.*` (but `user.audit.*`) mean `process.user.*` and so on: callers who accept that say so.
std::optional<FieldId> find_table_field(std::string_view name);
std::optional<FieldId> find_table_field_or_alias(std::string_view name);

class Schema {
 public:
  Schema();

  // The table's field, or one added before.
  std::optional<FieldId> find(std::string_view name) const;
  // Adds a field beyond the table; one that is known already is returned as it is. Nothing when the
  // schema is full (kMaxFields).
  std::optional<FieldId> add(std::string_view name, FieldType type, bool many);
  const FieldInfo& info(FieldId id) const;
  size_t size() const { return kFieldCount + added_.size(); }

  // Marks a field as needed, and with it what it is rebuilt from: `process.parent.name` comes from the
  // parent's own `process.name`, a name from an executable, a command line from arguments.
  void want(FieldId id);
  bool wanted(FieldId id) const { return wanted_[index_of(id)]; }
  // Keyword searches need every text value of a line, known to the table or not.
  void want_all_text();
  bool wants_all_text() const { return all_text_; }

  // The fields whose values a keyword search tests: text, and not lineage, time, host or our own.
  // kOtherText among them.
  const std::vector<FieldId>& keyword_fields() const { return keyword_fields_; }
  // Multi-valued: the text values of a line that have no field of their own. Filled only if
  // wants_all_text().
  FieldId other_text() const { return FieldId(static_cast<uint16_t>(kFieldCount)); }

  static constexpr size_t kMaxFields = 8192;

 private:
  struct Added {
    std::string name;
    FieldInfo info;
  };
  std::deque<Added> added_;  // a deque: info.name points into name
  std::unordered_map<std::string_view, FieldId> by_name_;
  std::vector<bool> wanted_;
  std::vector<FieldId> keyword_fields_;
  bool all_text_ = false;
};

// The table's row of a field of the table.
const FieldInfo& table_info(FieldId id);

}  // namespace detectd
