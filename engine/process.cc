#include "engine/process.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <charconv>
#include <memory>

namespace detectd {
namespace {

// What the allocator and the shared pointers add to each object.
constexpr size_t kOverhead = 64;

void grow(ProcessUsage& usage, size_t bytes) { usage.bytes.fetch_add(bytes, std::memory_order_relaxed); }
void shrink(ProcessUsage& usage, size_t bytes) { usage.bytes.fetch_sub(bytes, std::memory_order_relaxed); }

}  // namespace

Attributes::Attributes(Built, std::span<const Entry> entries, std::string_view bytes,
                       std::shared_ptr<ProcessUsage> usage)
    : memory_(new std::byte[entries.size_bytes() + bytes.size()]),
      entry_count_(static_cast<uint32_t>(entries.size())),
      byte_count_(static_cast<uint32_t>(bytes.size())),
      usage_(std::move(usage)) {
  std::uninitialized_copy(entries.begin(), entries.end(), reinterpret_cast<Entry*>(memory_.get()));
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(memory_.get()) + entries.size_bytes());
  for (const Entry& entry : entries) leaves_ |= mask_of(entry.leaf);
  grow(*usage_, sizeof(Attributes) + kOverhead + entries.size_bytes() + bytes.size());
}

Attributes::~Attributes() {
  shrink(*usage_, sizeof(Attributes) + kOverhead + entry_count_ * sizeof(Entry) + byte_count_);
}

FieldView Attributes::view(const Entry& entry) const {
  FieldView view;
  view.type = entry.type;
  view.text = {reinterpret_cast<const char*>(end()) + entry.offset, entry.size};
  if (entry.type == Type::kReal) {
    view.real = std::bit_cast<double>(entry.number);
  } else {
    view.number = entry.number;
    if (entry.type == Type::kInteger) view.real = static_cast<double>(entry.number);
  }
  return view;
}

const Attributes::Entry* Attributes::first_of(Leaf leaf) const {
  if ((leaves_ & mask_of(leaf)) == 0) return end();
  return std::lower_bound(begin(), end(), leaf,
                          [](const Entry& entry, Leaf wanted) { return entry.leaf < wanted; });
}

FieldView Attributes::find(Leaf leaf, size_t index) const {
  const Entry* const first = first_of(leaf);
  if (index >= static_cast<size_t>(end() - first)) return {};
  const Entry& entry = first[index];
  return entry.leaf == leaf ? view(entry) : FieldView{};
}

size_t Attributes::count(Leaf leaf) const {
  const Entry* const first = first_of(leaf);
  const Entry* last = first;
  while (last != end() && last->leaf == leaf) ++last;
  if (first == last) return 0;
  if (!first->list) return first->type == Type::kNull ? 0 : 1;
  return static_cast<size_t>(last - first);
}

void Attributes::Builder::push(Leaf leaf, const FieldView& value, bool list) {
  Entry entry;
  entry.leaf = leaf;
  entry.type = value.type;
  entry.list = list;
  entry.offset = static_cast<uint32_t>(bytes_.size());
  entry.size = static_cast<uint32_t>(value.text.size());
  entry.number = value.type == Type::kReal ? std::bit_cast<int64_t>(value.real) : value.number;
  bytes_.append(value.text);
  entries_.push_back(entry);
  seen_ |= mask_of(leaf);
}

void Attributes::Builder::add(Leaf leaf, const FieldView& value) {
  if (value.absent() || has(leaf)) return;
  push(leaf, value, false);
}

void Attributes::Builder::add_from(Leaf leaf, const Event& event, FieldId id) {
  if (has(leaf) || !event.carries(id)) return;
  const size_t count = event.count(id);
  if (count <= 1) return push(leaf, event.find_carried(id), count == 1);
  for (size_t i = 0; i < count; ++i) push(leaf, event.find_carried(id, i), true);
}

void Attributes::Builder::add_from(Leaf leaf, const Attributes& other) {
  if (has(leaf)) return;
  for (const Entry* entry = other.first_of(leaf); entry != other.end() && entry->leaf == leaf; ++entry) {
    push(leaf, other.view(*entry), entry->list);
  }
}

std::shared_ptr<const Attributes> Attributes::Builder::build() {
  // Leaves come in order but for a few that were derived from others: insertion is the cheapest sort.
  const auto by_leaf = [](const Entry& a, const Entry& b) { return a.leaf < b.leaf; };
  for (auto next = std::is_sorted_until(entries_.begin(), entries_.end(), by_leaf); next != entries_.end();
       ++next) {
    std::rotate(std::upper_bound(entries_.begin(), next, *next, by_leaf), next, next + 1);
  }
  auto made = std::make_shared<const Attributes>(Built{}, entries_, bytes_, usage_);
  entries_.clear();
  bytes_.clear();
  seen_ = 0;
  // One line of many megabytes must not hold its room for good.
  constexpr size_t kKeptBytes = size_t{64} << 10;
  if (bytes_.capacity() > kKeptBytes) bytes_.shrink_to_fit();
  if (entries_.capacity() > kKeptBytes / sizeof(Entry)) entries_.shrink_to_fit();
  return made;
}

Process::Process(std::shared_ptr<ProcessUsage> usage) : usage_(std::move(usage)) {
  grow(*usage_, sizeof(Process) + kOverhead);
}

// The chain of parents is bounded (process_table.h), so this does not recurse deeply.
Process::~Process() { shrink(*usage_, sizeof(Process) + kOverhead); }

void Process::set_pid(uint32_t pid) {
  key.pid = pid;
  char* const begin = pid_text_.data();
  pid_size_ = static_cast<uint8_t>(std::to_chars(begin, begin + pid_text_.size(), pid).ptr - begin);
}

void Process::set_entity_id(std::string_view id) {
  id = id.substr(0, kMaxEntityId);
  std::copy(id.begin(), id.end(), entity_id_.begin());
  entity_id_size_ = static_cast<uint8_t>(id.size());
}

void Process::set_start(std::string_view text) {
  if (text.size() > kMaxStart) return;
  std::copy(text.begin(), text.end(), start_.begin());
  start_size_ = static_cast<uint8_t>(text.size());
}

FieldView Process::find(Leaf leaf, size_t index) const {
  FieldView own;
  switch (leaf) {
    case Leaf::kPid:
      own.type = Type::kInteger;
      own.text = {pid_text_.data(), pid_size_};
      own.number = key.pid;
      own.real = key.pid;
      break;
    case Leaf::kEntityId:
      if (entity_id_size_ > 0) own.type = Type::kText;
      own.text = entity_id();
      break;
    case Leaf::kStart:
      if (start_size_ > 0) own.type = Type::kText;
      own.text = start();
      break;
    case Leaf::kName: {
      const FieldView told = attributes->find(Leaf::kName, index);
      if (!told.absent() || index > 0) return told;
      own = attributes->find(Leaf::kExecutable);
      if (own.type == Type::kText) {
        own.text = last_path_part(own.text);
        return own;
      }
      return attributes->find(Leaf::kThreadName);
    }
    default: return attributes->find(leaf, index);
  }
  return index == 0 ? own : FieldView{};
}

size_t Process::count(Leaf leaf) const {
  switch (leaf) {
    case Leaf::kPid:
    case Leaf::kEntityId:
    case Leaf::kStart:
    case Leaf::kName: return find(leaf).has_value() ? 1 : 0;
    default: return attributes->count(leaf);
  }
}

std::string_view last_path_part(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) return path.substr(slash + 1);
  return path.substr(path.rfind('\\') + 1);  // npos + 1 == 0: all of it
}

}  // namespace detectd
