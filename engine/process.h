// A process as the stream told of it, at one moment: immutable and shared, so that events, hits and
// children can keep it while the table goes on. Each fork, exec or id change makes a new Process.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// Ancestors that an event shows. Longer chains are cut (process_table.h).
inline constexpr size_t kMaxAncestors = 32;

// Identity that survives pid reuse: two processes with the same pid differ in their birth.
struct ProcessKey {
  uint32_t pid = 0;
  int64_t birth_ns = 0;  // of the fork event, else the first `process.start` or event seen

  auto operator<=>(const ProcessKey&) const = default;
};

// How much all Process and Attributes objects of one table hold, the ones that only events and children
// still keep included. They outlive the table, so they share this.
struct ProcessUsage {
  std::atomic<size_t> bytes{0};
};

// What is known of a process besides who it is: image, arguments, credentials, ... Shared by parent and
// child after a fork, and immutable.
class Attributes {
 public:
  class Builder;

  FieldView find(Leaf leaf, size_t index = 0) const;
  size_t count(Leaf leaf) const;
  LeafMask leaves() const { return leaves_; }

  ~Attributes();
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

 private:
  struct Entry {
    Leaf leaf{};
    Type type{};
    bool list = false;  // an element of a multi-valued leaf
    uint32_t offset = 0;
    uint32_t size = 0;
    int64_t number = 0;  // a real's bits for kReal
  };

  struct Built {};  // only Builder can name it

 public:
  Attributes(Built, std::span<const Entry> entries, std::string_view bytes,
             std::shared_ptr<ProcessUsage> usage);

 private:
  FieldView view(const Entry& entry) const;
  const Entry* first_of(Leaf leaf) const;
  const Entry* begin() const { return reinterpret_cast<const Entry*>(memory_.get()); }
  const Entry* end() const { return begin() + entry_count_; }

  // The entries, sorted by leaf (a list is its elements in order, an empty list one null); then the bytes.
  std::unique_ptr<std::byte[]> memory_;
  uint32_t entry_count_ = 0;
  uint32_t byte_count_ = 0;
  LeafMask leaves_ = 0;
  std::shared_ptr<ProcessUsage> usage_;
};

// Collects values; reusable, so that building does not grow buffers anew for each process.
class Attributes::Builder {
 public:
  explicit Builder(std::shared_ptr<ProcessUsage> usage) : usage_(std::move(usage)) {}

  // Leaves may come in any order (in that of Leaf is fastest); the first value of a leaf stays, later ones
  // are ignored.
  void add(Leaf leaf, const FieldView& value);
  // All elements of a leaf that the event carries under `id`.
  void add_from(Leaf leaf, const Event& event, FieldId id);
  // All elements of a leaf of `other`.
  void add_from(Leaf leaf, const Attributes& other);
  bool has(Leaf leaf) const { return (seen_ & mask_of(leaf)) != 0; }
  // What was added; the builder is then empty again.
  std::shared_ptr<const Attributes> build();

 private:
  void push(Leaf leaf, const FieldView& value, bool list);

  std::shared_ptr<ProcessUsage> usage_;
  std::vector<Entry> entries_;
  std::string bytes_;
  LeafMask seen_ = 0;
};

class Process {
 public:
  explicit Process(std::shared_ptr<ProcessUsage> usage);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Before it is shared.
  void set_pid(uint32_t pid);
  void set_entity_id(std::string_view id);  // longer ones than kMaxEntityId, of foreign captures, are cut
  void set_start(std::string_view text);    // texts longer than kMaxStart are no times: ignored

  static constexpr size_t kMaxEntityId = 64;
  static constexpr size_t kMaxStart = 40;

  ProcessKey key;
  std::shared_ptr<const Attributes> attributes;  // never null
  std::shared_ptr<const Attributes> previous;    // before the last exec or id change; may be null
  std::shared_ptr<const Process> parent;         // as it was at the fork; null if unknown
  bool fork_seen = false;                        // the parent is the kernel's word, not a captured line's
  uint16_t depth = 0;                            // ancestors kept; bounded

  // pid, entity_id and start are the process's own; the rest comes from its attributes. A name that was
  // not told is the executable's last part, else the thread name.
  FieldView find(Leaf leaf, size_t index = 0) const;
  size_t count(Leaf leaf) const;
  std::string_view entity_id() const { return {entity_id_.data(), entity_id_size_}; }
  std::string_view start() const { return {start_.data(), start_size_}; }

 private:
  std::array<char, 12> pid_text_{};
  std::array<char, kMaxEntityId> entity_id_{};
  std::array<char, kMaxStart> start_{};  // as the line had it; empty if never seen
  uint8_t pid_size_ = 0;
  uint8_t entity_id_size_ = 0;
  uint8_t start_size_ = 0;
  std::shared_ptr<ProcessUsage> usage_;
};

// The part after the last slash; of a Windows path, after the last backslash. The whole text where there
// is none.
std::string_view last_path_part(std::string_view path);

}  // namespace detectd
