#include "engine/fields.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

namespace detectd {
namespace {

using enum EventKind;

constexpr KindSet kAnyKinds = [] {
  KindSet set = KindSet::all();
  set.add(kOther);
  return set;
}();
constexpr KindSet kProcessKinds = KindSet::all().without({kLost});
constexpr KindSet kEndKinds = {kEnd};
constexpr KindSet kReportedKinds = {kAlreadyRunning, kExecCheck, kLost, kHealth};
constexpr KindSet kLossKinds = {kLost};
constexpr KindSet kHealthKinds = {kHealth};
constexpr KindSet kChangeKinds = {kExec, kUidChange, kGidChange, kExecCheck};
constexpr KindSet kConnectionKinds = {kConnectionAttempted, kConnectionAccepted};
constexpr KindSet kTraceKinds = {kPtrace, kPtraceDetach};

constexpr bool kOne = false;
constexpr bool kMany = true;

constexpr std::array<FieldInfo, kFieldCount> kTable = {{
#define LEAF(constant, name, type, cardinality, lifetime, trust, kinds, meaning) \
  {"process." name, FieldType::k##type, k##cardinality, Trust::k##trust, kinds##Kinds, meaning},
#include "engine/field_table.def"
#define LEAF(constant, name, type, cardinality, lifetime, trust, kinds, meaning) \
  {"process.parent." name, FieldType::k##type, k##cardinality, Trust::k##trust, kProcessKinds, meaning},
#include "engine/field_table.def"
#define LEAF(constant, name, type, cardinality, lifetime, trust, kinds, meaning) \
  {"Target.process." name, FieldType::k##type, k##cardinality, Trust::k##trust, kTraceKinds, meaning},
#include "engine/field_table.def"
#define FIELD(constant, name, type, cardinality, trust, kinds, meaning) \
  {name, FieldType::k##type, k##cardinality, Trust::k##trust, kinds##Kinds, meaning},
#include "engine/field_table.def"
}};

constexpr std::array<Lifetime, kLeafCount> kLifetimes = {
#define LEAF(constant, name, type, cardinality, lifetime, trust, kinds, meaning) Lifetime::k##lifetime,
#include "engine/field_table.def"
};

// Where a name is looked for first: by its length and its end, since most begin alike.
constexpr size_t slot_of(std::string_view name, size_t slots) {
  uint32_t hash = static_cast<uint32_t>(name.size());
  for (const char c : name.substr(name.size() - std::min<size_t>(name.size(), 12))) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619u;
  }
  return (hash ^ hash >> 15) % slots;
}

// 1 + index of a field; 0: none. Asked for each field that an event could not be told, so in no map of nodes.
constexpr auto kByName = [] {
  std::array<uint16_t, std::bit_ceil(kFieldCount * 4)> slots{};
  for (size_t i = 0; i < kFieldCount; ++i) {
    size_t slot = slot_of(kTable[i].name, slots.size());
    while (slots[slot] != 0) slot = (slot + 1) % slots.size();
    slots[slot] = static_cast<uint16_t>(i + 1);
  }
  return slots;
}();

bool searched_by_keywords(FieldId id) {
  const FieldInfo& info = table_info(id);
  if (info.type != FieldType::kText && info.type != FieldType::kIp) return false;
  switch (place_of(id).subject) {
    case Subject::kParent:
    case Subject::kAncestors:
    case Subject::kPrevious: return false;
    case Subject::kProcess:
    case Subject::kTarget: return true;
    case Subject::kOther: break;
  }
  return !info.name.starts_with("event.") && !info.name.starts_with("host.") &&
         !info.name.starts_with("detectd.");
}

}  // namespace

const FieldInfo& table_info(FieldId id) {
  assert(index_of(id) < kFieldCount && "a field of the table");
  return kTable[index_of(id)];
}

Lifetime lifetime_of(Leaf leaf) { return kLifetimes[static_cast<size_t>(leaf)]; }

FieldPlace place_of(FieldId id) {
  const size_t index = index_of(id);
  if (index < 3 * kLeafCount) {
    constexpr std::array kSubjects = {Subject::kProcess, Subject::kParent, Subject::kTarget};
    return {kSubjects[index / kLeafCount], static_cast<Leaf>(index % kLeafCount)};
  }
  switch (index) {
    case field::kAncestorsNameValue: return {Subject::kAncestors, Leaf::kName};
    case field::kAncestorsExecutableValue: return {Subject::kAncestors, Leaf::kExecutable};
    case field::kAncestorsCommandLineValue: return {Subject::kAncestors, Leaf::kCommandLine};
    case field::kAncestorsPidValue: return {Subject::kAncestors, Leaf::kPid};
    case field::kAncestorsEntityIdValue: return {Subject::kAncestors, Leaf::kEntityId};
    case field::kPreviousExecutableValue: return {Subject::kPrevious, Leaf::kExecutable};
    case field::kPreviousCommandLineValue: return {Subject::kPrevious, Leaf::kCommandLine};
    case field::kPreviousUserIdValue: return {Subject::kPrevious, Leaf::kUserId};
    case field::kPreviousRealUserIdValue: return {Subject::kPrevious, Leaf::kRealUserId};
    case field::kPreviousGroupIdValue: return {Subject::kPrevious, Leaf::kGroupId};
    default: return {};
  }
}

std::optional<FieldId> find_table_field(std::string_view name) {
  for (size_t slot = slot_of(name, kByName.size()); kByName[slot] != 0; slot = (slot + 1) % kByName.size()) {
    const size_t index = kByName[slot] - size_t{1};
    if (kTable[index].name == name) return FieldId(static_cast<uint16_t>(index));
  }
  return std::nullopt;
}

std::optional<FieldId> find_table_field_or_alias(std::string_view name) {
  if (const auto id = find_table_field(name)) return id;
  for (const std::string_view prefix :
       {"user.", "real_user.", "saved_user.", "group.", "real_group.", "saved_group."}) {
    if (name.starts_with(prefix)) return find_table_field("process." + std::string(name));
  }
  return std::nullopt;
}

Schema::Schema() : wanted_(kFieldCount, false) {
  const auto id = add("", FieldType::kText, true);  // other_text(): a name no rule can write
  assert(id == other_text());
  (void)id;
}

std::optional<FieldId> Schema::find(std::string_view name) const {
  if (const auto id = find_table_field(name)) return id;
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<FieldId> Schema::add(std::string_view name, FieldType type, bool many) {
  if (const auto known = find(name)) return known;
  if (size() >= kMaxFields) return std::nullopt;
  const FieldId id{static_cast<uint16_t>(size())};
  Added& added = added_.emplace_back();
  added.name = name;
  added.info.name = added.name;
  added.info.type = type;
  added.info.many = many;
  added.info.kinds = kAnyKinds;
  by_name_.emplace(added.info.name, id);
  wanted_.push_back(false);
  if (all_text_) keyword_fields_.push_back(id);
  return id;
}

const FieldInfo& Schema::info(FieldId id) const {
  if (index_of(id) < kFieldCount) return table_info(id);
  return added_[index_of(id) - kFieldCount].info;
}

void Schema::want(FieldId id) {
  if (wanted_[index_of(id)]) return;
  wanted_[index_of(id)] = true;
  const FieldPlace place = place_of(id);
  if (place.leaf == Leaf::kCount) return;
  // Lineage is rebuilt from what each process said of itself, and from what its children said of it.
  if (place.subject != Subject::kProcess) want(process_field(place.leaf));
  if (place.subject == Subject::kAncestors) want(parent_field(place.leaf));
  const auto want_also = [&](Leaf leaf) {
    switch (place.subject) {
      case Subject::kParent: want(parent_field(leaf)); break;
      case Subject::kTarget: want(target_field(leaf)); break;
      default: want(process_field(leaf)); break;
    }
  };
  switch (place.leaf) {
    case Leaf::kName:
      want_also(Leaf::kExecutable);
      want_also(Leaf::kThreadName);
      break;
    case Leaf::kCommandLine:
    case Leaf::kArgsCount:
    case Leaf::kArgv0: want_also(Leaf::kArgs); break;
    case Leaf::kEffectiveExecutable:
      want_also(Leaf::kExecutable);
      want_also(Leaf::kArgs);
      break;
    case Leaf::kPrivileged:
      want_also(Leaf::kUserId);
      want_also(Leaf::kCapabilities);
      break;
    case Leaf::kGroupLeaderEntityId: want_also(Leaf::kGroupLeaderPid); break;
    case Leaf::kSessionLeaderEntityId: want_also(Leaf::kSessionLeaderPid); break;
    default: break;
  }
}

void Schema::want_all_text() {
  if (all_text_) return;
  all_text_ = true;
  for (size_t i = 0; i < size(); ++i) {
    const FieldId id{static_cast<uint16_t>(i)};
    if (i < kFieldCount && !searched_by_keywords(id)) continue;
    keyword_fields_.push_back(id);
  }
  for (const FieldId id : keyword_fields_) want(id);
}

}  // namespace detectd
