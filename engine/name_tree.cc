#include "engine/name_tree.h"

#include <bit>
#include <cstring>

namespace detectd {
namespace {

// Up to 8 bytes, the rest zero.
uint64_t load(const char* from, size_t size) {
  if (size >= 4) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + size - 4, 4);
    return low | (uint64_t{high} << (8 * (size - 4)));
  }
  uint64_t word = 0;
  for (size_t i = 0; i < size; ++i) {
    word |= uint64_t{static_cast<uint8_t>(from[i])} << (8 * i);
  }
  return word;
}

ValueCheck check_of(FieldId id) {
  const FieldPlace place = place_of(id);
  switch (place.leaf) {
    // Not the leaders' pids: -1 stands in real captures for a group that was gone already.
    case Leaf::kPid: return ValueCheck::kPid;
    // ECS has them as text: a Windows capture says S-1-5-18.
    case Leaf::kUserId:
    case Leaf::kRealUserId:
    case Leaf::kSavedUserId:
    case Leaf::kGroupId:
    case Leaf::kRealGroupId:
    case Leaf::kSavedGroupId:
    case Leaf::kSupplementalGroups: return ValueCheck::kUserOrGroup;
    default: break;
  }
  if (id == field::kUserAuditId) return ValueCheck::kUserOrGroup;
  if (id == field::kSequence || id == field::kLost) return ValueCheck::kCount;
  switch (table_info(id).type) {
    case FieldType::kInteger: return ValueCheck::kInteger;
    case FieldType::kBoolean: return ValueCheck::kBoolean;
    case FieldType::kTime: return ValueCheck::kTime;
    default: return ValueCheck::kText;
  }
}

}  // namespace

NamePart hash_part(uint64_t parent_hash, std::string_view part) {
  using namespace name_tree_internal;
  uint64_t hash = begin_hash(parent_hash, part.size());
  uint64_t special = 0;
  const char* at = part.data();
  size_t left = part.size();
  for (; left > 8; left -= 8, at += 8) {
    const uint64_t word = load(at, 8);
    special |= special_bytes(word);
    hash = mix(hash, word);
  }
  const uint64_t word = load(at, left);
  special |= special_bytes(word);
  return {end_hash(mix(hash, word)), word, special == 0};
}

NameTree::NameTree(const Schema& schema) {
  using Role = NameNode::Role;
  nodes_.emplace_back();
  nodes_[kRoot].searchable = true;
  for (size_t i = 0; i < kFieldCount; ++i) add_table_field(FieldId(static_cast<uint16_t>(i)), schema);
  insert("labels");
  insert("event.type");
  // Before the schema's own names: what is a part of the table's names already never becomes a value.
  const size_t fixed = nodes_.size();
  for (size_t i = kFieldCount + 1; i < schema.size(); ++i) {
    const FieldId id{static_cast<uint16_t>(i)};
    const uint32_t taken = find(schema.info(id).name);
    if (taken == kUnknown || taken >= fixed) add_schema_field(id, schema);
  }
  add_role("@timestamp", Role::kTimestamp);
  add_role("event.action", Role::kAction);
  add_role("event.type", Role::kEventType);
  add_role("event.sequence", Role::kSequence);
  add_role("process.pid", Role::kProcessPid);
  add_role("detectd.capture", Role::kCapture);
  add_role("detectd.version", Role::kHeaderVersion);
  add_role("detectd.host", Role::kHeaderHost);
  add_role("detectd.host.name", Role::kHeaderHost);
  add_role("detectd.host.id", Role::kHeaderHostId);
  add_role("detectd.boot_id", Role::kHeaderBootId);
  add_role("detectd.part", Role::kHeaderPart);
  add_role("detectd.started", Role::kHeaderStarted);
  add_role("detectd.booted", Role::kHeaderBooted);
  // As in Schema::keyword_fields().
  for (const std::string_view name :
       {"event", "host", "detectd", "process.parent", "process.ancestors", "process.previous"}) {
    nodes_[find(name)].searchable = false;
  }
  for (size_t i = 1; i < nodes_.size(); ++i) {
    NameNode& node = nodes_[i];
    node.searchable = node.searchable && nodes_[node.parent].searchable;
    const bool typed = node.type == FieldType::kInteger || node.type == FieldType::kReal ||
                       node.type == FieldType::kBoolean || node.type == FieldType::kTime;
    node.demanding = typed || node.check > ValueCheck::kText || node.role != Role::kNone;
    node.most = node.role == Role::kNone ? most_allowed(node.check) : -1;
  }
  index_nodes();
}

void NameTree::add_table_field(FieldId id, const Schema& schema) {
  const FieldInfo& info = table_info(id);
  const auto fill = [&](uint32_t index, bool alias) {
    NameNode& node = nodes_[index];
    node.field_index = static_cast<uint16_t>(index_of(id));
    node.type = info.type;
    node.check = check_of(id);
    node.table = true;
    node.alias = alias;
    node.wanted = schema.wanted(id);
  };
  fill(insert(info.name), false);
  constexpr std::string_view kProcess = "process.";
  if (!info.name.starts_with(kProcess)) return;
  const std::string_view alias = info.name.substr(kProcess.size());
  if (!find_table_field(alias) && find_table_field_or_alias(alias) == id) fill(insert(alias), true);
}

void NameTree::add_schema_field(FieldId id, const Schema& schema) {
  const FieldInfo& info = schema.info(id);
  NameNode& node = nodes_[insert(info.name)];
  node.field_index = static_cast<uint16_t>(index_of(id));
  node.type = info.type;
  node.wanted = schema.wanted(id);
}

void NameTree::add_role(std::string_view name, NameNode::Role role) { nodes_[insert(name)].role = role; }

uint32_t NameTree::insert(std::string_view name) {
  uint32_t index = kRoot;
  while (true) {
    const size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    uint32_t next = find_slowly(index, part);
    if (next == kUnknown) {
      next = static_cast<uint32_t>(nodes_.size());
      NameNode node;
      const NamePart hashed = hash_part(nodes_[index].hash, part);
      node.hash = hashed.hash;
      node.word = hashed.word;
      node.parent = index;
      node.searchable = true;
      node.part = part;
      nodes_.push_back(std::move(node));
      if (nodes_.size() * 2 > slots_.size()) {
        index_nodes();
      } else {
        size_t at = nodes_.back().hash & mask_;
        while (slots_[at] != kUnknown) at = (at + 1) & mask_;
        slots_[at] = next;
      }
    }
    index = next;
    if (dot == std::string_view::npos) return index;
    name.remove_prefix(dot + 1);
  }
}

void NameTree::index_nodes() {
  slots_.assign(std::bit_ceil(nodes_.size() * 4), kUnknown);
  mask_ = slots_.size() - 1;
  for (uint32_t i = 1; i < nodes_.size(); ++i) {
    size_t at = nodes_[i].hash & mask_;
    while (slots_[at] != kUnknown) at = (at + 1) & mask_;
    slots_[at] = i;
  }
}

uint32_t NameTree::find_slowly(uint32_t parent, std::string_view part) const {
  if (slots_.empty()) return kUnknown;
  return child(parent, hash_part(nodes_[parent].hash, part), part);
}

uint32_t NameTree::find(std::string_view name) const {
  uint32_t index = kRoot;
  while (index != kUnknown) {
    const size_t dot = name.find('.');
    index = find_slowly(index, name.substr(0, dot));
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return index;
}

std::string NameTree::name(uint32_t index) const {
  std::string name;
  for (; index != kRoot && index != kUnknown; index = nodes_[index].parent) {
    name.insert(0, name.empty() ? nodes_[index].part : nodes_[index].part + ".");
  }
  return name;
}

}  // namespace detectd
