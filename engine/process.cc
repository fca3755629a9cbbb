#include "engine/process.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include "engine/digest.h"

namespace detectd {
namespace {

// What the allocator and the shared pointers add to each object.
constexpr size_t kOverhead = 64;

}  // namespace

size_t ProcessHost::size_bytes() const {
  return sizeof(ProcessHost) + kOverhead + host.capacity() + boot_id.capacity();
}

// What another thread may be working out just now is left alone: the identity is derived anew.
Process::Process(const Process& other)
    : key(other.key),
      attributes(other.attributes),
      previous(other.previous),
      parent(other.parent),
      host(other.host),
      fork_seen(other.fork_seen),
      depth(other.depth),
      pid_text_(other.pid_text_),
      start_(other.start_),
      pid_size_(other.pid_size_),
      start_size_(other.start_size_) {
  if (other.has_set_id_) set_entity_id(other.entity_id());
}

// The chain of parents is bounded (process_table.h), so this does not recurse deeply.
Process::~Process() { delete derived_id_.load(std::memory_order_acquire); }

// With the identity, asked for or not: the bound of a table must not depend on who asks.
size_t Process::size_bytes() { return sizeof(Process) + sizeof(DerivedId) + kOverhead; }

void Process::set_pid(uint32_t pid) {
  key.pid = pid;
  char* const begin = pid_text_.data();
  pid_size_ = static_cast<uint8_t>(std::to_chars(begin, begin + pid_text_.size(), pid).ptr - begin);
}

void Process::set_entity_id(std::string_view id) {
  id = id.substr(0, kMaxEntityId);
  std::copy(id.begin(), id.end(), set_id_.begin());
  set_id_size_ = static_cast<uint8_t>(id.size());
  has_set_id_ = true;
}

void Process::set_start(std::string_view text) {
  if (text.size() > kMaxStart) return;
  std::copy(text.begin(), text.end(), start_.begin());
  start_size_ = static_cast<uint8_t>(text.size());
}

std::string_view Process::entity_id() const {
  if (has_set_id_ || !host) return {set_id_.data(), set_id_size_};
  const DerivedId* id = derived_id_.load(std::memory_order_acquire);
  if (id == nullptr) {
    // Of threads that come here at the same time, the first one's stays.
    auto made = derived_id();
    if (derived_id_.compare_exchange_strong(id, made.get(), std::memory_order_acq_rel)) id = made.release();
  }
  return {id->data(), id->size()};
}

std::unique_ptr<const Process::DerivedId> Process::derived_id() const {
  Sha256Hasher hasher;
  hasher.add_part(host->host);
  hasher.add_part(host->boot_id);
  hasher.add_number(key.pid);
  hasher.add_number(key.birth_ns);
  const Sha256 digest = hasher.finish();
  constexpr size_t kEnough = 17;  // bytes: 22 characters of 6 bits are 132 bits
  const std::string text = base64url({reinterpret_cast<const char*>(digest.data()), kEnough});
  auto id = std::make_unique<DerivedId>();
  std::copy_n(text.begin(), id->size(), id->begin());
  return id;
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
      own.text = entity_id();
      if (!own.text.empty()) own.type = Type::kText;
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

LeafMask Process::leaves() const {
  constexpr LeafMask kOwn = mask_of(Leaf::kPid) | mask_of(Leaf::kEntityId) | mask_of(Leaf::kStart);
  LeafMask mask = (attributes->leaves() & ~kOwn) | mask_of(Leaf::kPid);
  if (has_set_id_ ? set_id_size_ > 0 : host != nullptr) mask |= mask_of(Leaf::kEntityId);
  if (start_size_ > 0) mask |= mask_of(Leaf::kStart);
  if (attributes->has(Leaf::kThreadName) || attributes->find(Leaf::kExecutable).type == Type::kText) {
    mask |= mask_of(Leaf::kName);
  }
  return mask;
}

std::string_view last_path_part(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != std::string_view::npos) return path.substr(slash + 1);
  return path.substr(path.rfind('\\') + 1);  // npos + 1 == 0: all of it
}

}  // namespace detectd
