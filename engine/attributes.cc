#include "engine/attributes.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

namespace detectd {
namespace {

// What the allocator and the shared pointers add to each object.
constexpr size_t kOverhead = 64;

// How many of `leaves` come before `leaf`. By hand, for std::popcount is a call where the processor's
// instruction can not be relied on.
size_t index_in(LeafMask leaves, Leaf leaf) {
  uint64_t bits = leaves & (mask_of(leaf) - 1);
  bits -= (bits >> 1) & 0x5555'5555'5555'5555u;
  bits = (bits & 0x3333'3333'3333'3333u) + ((bits >> 2) & 0x3333'3333'3333'3333u);
  bits = (bits + (bits >> 4)) & 0x0F0F'0F0F'0F0F'0F0Fu;
  return bits * 0x0101'0101'0101'0101u >> 56;
}

}  // namespace

size_t Attributes::size_bytes() const {
  return sizeof(Attributes) + kOverhead + entry_count_ * sizeof(Entry) + text_bytes_ +
         parts_.size() * sizeof(parts_.front());
}

FieldView Attributes::view(const Entry& entry) const {
  FieldView view;
  view.type = entry.type;
  view.text = {reinterpret_cast<const char*>(entries() + entry_count_) + entry.offset, entry.size};
  if (entry.type == Type::kReal) {
    view.real = std::bit_cast<double>(entry.number);
  } else {
    view.number = entry.number;
    if (entry.type == Type::kInteger) view.real = static_cast<double>(entry.number);
  }
  return view;
}

const Attributes::Entry& Attributes::entry_of(Leaf leaf) const { return entries()[index_in(own_, leaf)]; }

const Attributes& Attributes::part_of(Leaf leaf) const { return *parts_[index_in(shared_, leaf)]; }

FieldView Attributes::find(Leaf leaf, size_t index) const {
  if ((own_ & mask_of(leaf)) == 0) {
    return (shared_ & mask_of(leaf)) == 0 ? FieldView{} : part_of(leaf).find(leaf, index);
  }
  const Entry& entry = entry_of(leaf);
  if (entry.count <= 1) return index == 0 ? view(entry) : FieldView{};
  if (index >= entry.count) return {};
  return view(entries()[entry.offset + index]);
}

size_t Attributes::count(Leaf leaf) const {
  if ((own_ & mask_of(leaf)) != 0) return entry_of(leaf).count;
  return (shared_ & mask_of(leaf)) == 0 ? 0 : part_of(leaf).count(leaf);
}

LeafMask Attributes::other_than(const Event& event, FieldId first, LeafMask leaves) const {
  LeafMask mask = 0;
  for (LeafMask left = leaves; left != 0; left &= left - 1) {
    const auto leaf = static_cast<Leaf>(std::countr_zero(left));
    if (!is_same(leaf, event, FieldId(static_cast<uint16_t>(index_of(first) + static_cast<size_t>(leaf)))))
      mask |= mask_of(leaf);
  }
  return mask;
}

bool Attributes::is_same(Leaf leaf, const Event& event, FieldId id) const {
  if ((own_ & mask_of(leaf)) == 0) return part_of(leaf).is_same(leaf, event, id);
  const Entry* entry = &entry_of(leaf);
  const char* const texts = reinterpret_cast<const char*>(entries() + entry_count_);
  const size_t count = entry->count;
  if (!event.carries_list(id)) {
    return count <= 1 && event.carries_as(id, entry->type, {texts + entry->offset, entry->size});
  }
  if (count != event.count(id)) return false;
  if (count > 1) entry = &entries()[entry->offset];
  for (size_t i = 0; i < std::max<size_t>(count, 1); ++i, ++entry) {
    const FieldView told = event.find_carried(id, i);
    if (told.type != entry->type || told.text != std::string_view(texts + entry->offset, entry->size))
      return false;
  }
  return true;
}

std::optional<int64_t> Attributes::find_integer(Leaf leaf) const {
  if (!has(leaf)) return std::nullopt;
  if ((own_ & mask_of(leaf)) == 0) return part_of(leaf).find_integer(leaf);
  const Entry* entry = &entry_of(leaf);
  if (entry->count > 1) entry = &entries()[entry->offset];
  return entry->type == Type::kInteger ? std::optional(entry->number) : std::nullopt;
}

template <class Find>
void Attributes::Builder::push(Leaf leaf, size_t count, const FieldView& first, Find find) {
  Value& added = values_.emplace_back();
  added.leaf = leaf;
  added.count = static_cast<uint32_t>(count);
  added.view = first;
  size_t text_bytes = first.text.size();
  if (count > 1) {
    added.first = static_cast<uint32_t>(elements_.size());
    elements_.push_back(first);
    for (size_t i = 1; i < count; ++i) text_bytes += elements_.emplace_back(find(i)).text.size();
  }
  added.text_bytes = static_cast<uint32_t>(text_bytes);
  seen_ |= mask_of(leaf);
  any_long_ = any_long_ || added.is_long();
}

void Attributes::Builder::add(Leaf leaf, const FieldView& value) {
  if (!value.absent() && !has(leaf))
    push(leaf, value.has_value() ? 1 : 0, value, [](size_t) { return FieldView{}; });
}

void Attributes::Builder::add_from(Leaf leaf, const Event& event, FieldId id) {
  const FieldView first = event.find_carried(id);
  if (first.absent() || has(leaf)) return;
  push(leaf, event.count(id), first, [&](size_t i) { return event.find_carried(id, i); });
}

void Attributes::Builder::add_from(Leaf leaf, const Attributes& other) {
  if (!other.has(leaf) || has(leaf)) return;
  if ((other.shared_ & mask_of(leaf)) == 0) {
    return push(leaf, other.count(leaf), other.find(leaf), [&](size_t i) { return other.find(leaf, i); });
  }
  Part& part = parts_.emplace_back();
  part.leaf = leaf;
  part.attributes = other.parts_[index_in(other.shared_, leaf)];
  seen_ |= mask_of(leaf);
}

void Attributes::Builder::split_off() {
  for (const Value& value : values_) {
    if (!value.is_long()) continue;
    Part& part = parts_.emplace_back();
    part.leaf = value.leaf;
    part.attributes = make({&value, 1});
  }
  std::erase_if(values_, [](const Value& value) { return value.is_long(); });
}

std::shared_ptr<Attributes> Attributes::Builder::make(std::span<const Value> values) const {
  size_t entries = 0, text = 0;
  for (const Value& value : values) {
    entries += value.entries();
    text += value.text_bytes;
  }
  auto made = std::make_shared<Attributes>(Built{});
  made->memory_.reset(new std::byte[entries * sizeof(Entry) + text]);
  made->entry_count_ = static_cast<uint32_t>(entries);
  made->text_bytes_ = static_cast<uint32_t>(text);
  auto* next_entry = reinterpret_cast<Entry*>(made->memory_.get());
  Entry* next_element = next_entry + values.size();
  Entry* const first_entry = next_entry;
  char* const first_char = reinterpret_cast<char*>(first_entry + entries);
  char* next_char = first_char;
  const auto write = [&](Entry* at, const FieldView& view, uint32_t count) {
    Entry* const entry = new (at) Entry;
    entry->offset = static_cast<uint32_t>(next_char - first_char);
    entry->size = static_cast<uint32_t>(view.text.size());
    entry->number = view.type == Type::kReal ? std::bit_cast<int64_t>(view.real) : view.number;
    entry->count = count;
    entry->type = view.type;
    next_char = std::copy(view.text.begin(), view.text.end(), next_char);
  };
  for (const Value& value : values) {
    made->own_ |= mask_of(value.leaf);
    if (value.count <= 1) {
      write(next_entry++, value.view, value.count);
      continue;
    }
    Entry* const head = new (next_entry++) Entry;
    head->offset = static_cast<uint32_t>(next_element - first_entry);
    head->count = value.count;
    for (const FieldView& element : std::span(elements_).subspan(value.first, value.count)) {
      write(next_element++, element, 1);
    }
  }
  return made;
}

std::shared_ptr<const Attributes> Attributes::Builder::build() {
  // Leaves come in order but for a few that were derived from others: insertion is the cheapest sort.
  const auto by_leaf = [](const Value& a, const Value& b) { return a.leaf < b.leaf; };
  for (auto next = std::is_sorted_until(values_.begin(), values_.end(), by_leaf); next != values_.end();
       ++next) {
    std::rotate(std::upper_bound(values_.begin(), next, *next, by_leaf), next, next + 1);
  }
  if (any_long_) split_off();
  std::sort(parts_.begin(), parts_.end(), [](const Part& a, const Part& b) { return a.leaf < b.leaf; });
  const std::shared_ptr<Attributes> made = make(values_);
  made->parts_.reserve(parts_.size());
  for (Part& part : parts_) {
    made->shared_ |= mask_of(part.leaf);
    made->parts_.push_back(std::move(part.attributes));
  }
  values_.clear();
  elements_.clear();
  parts_.clear();
  seen_ = 0;
  any_long_ = false;
  // One line of many megabytes must not hold its room for good.
  constexpr size_t kKeptElements = 2048;
  if (elements_.capacity() > kKeptElements) elements_.shrink_to_fit();
  return made;
}

}  // namespace detectd
