// A process as the stream told of it, at one moment: immutable and shared, so that events, hits and
// children can keep it while the table goes on. Each fork, exec or id change makes a new Process.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

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

  ~Attributes();
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

 private:
  struct Entry {
    Leaf leaf{};
    Type type{};
    bool list = false;       // an element of a multi-valued leaf
    uint32_t offset = 0;
    uint32_t size = 0;
    int64_t number = 0;      // a real's bits for kReal
  };

  Attributes() = default;

  std::vector<Entry> entries_;  // sorted by leaf; a list is its elements in order, an empty list one null
  std::string bytes_;
  std::shared_ptr<ProcessUsage> usage_;
};

class Attributes::Builder {
 public:
  explicit Builder(std::shared_ptr<ProcessUsage> usage) : usage_(std::move(usage)) {}

  // Leaves may come in any order; the first value of a leaf stays, later ones are ignored.
  void add(Leaf leaf, const FieldView& value);
  // All elements of a leaf that the event carries under `id`.
  void add_from(Leaf leaf, const Event& event, FieldId id);
  // All elements of a leaf of `other`.
  void add_from(Leaf leaf, const Attributes& other);
  bool has(Leaf leaf) const;
  std::shared_ptr<const Attributes> build();

 private:
  std::shared_ptr<ProcessUsage> usage_;
  std::unique_ptr<Attributes> made_{new Attributes};
  std::array<bool, kLeafCount> seen_{};
};

class Process {
 public:
  explicit Process(std::shared_ptr<ProcessUsage> usage);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  ProcessKey key;
  std::array<char, 8> pid_text{};        // decimal, NUL-padded
  std::array<char, 22> entity_id{};      // base64url
  std::string start;                     // `process.start` as the line had it; empty if never seen
  std::shared_ptr<const Attributes> attributes;  // never null
  std::shared_ptr<const Attributes> previous;    // before the last exec or id change; may be null
  std::shared_ptr<const Process> parent;         // as it was at the fork; null if unknown
  bool fork_seen = false;                // the parent is the kernel's word, not a captured line's
  uint16_t depth = 0;                    // ancestors kept; bounded

  // pid, entity_id and start are the process's own; the rest comes from its attributes.
  FieldView find(Leaf leaf, size_t index = 0) const;
  size_t count(Leaf leaf) const;

 private:
  std::shared_ptr<ProcessUsage> usage_;
};

}  // namespace detectd
