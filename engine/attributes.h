// What is known of a process besides who it is: image, arguments, credentials, ... Immutable; a fork's
// child shares its parent's, and what one leaf holds beyond kInlineBytes is a part of its own that all
// later ones share. So an id change of a process with a megabyte of arguments copies ids, not arguments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// How many of one table's entries, and of the objects that they reach, hold an object (process_bytes.h).
// Beside it the object is immutable: only the thread that applies events touches this.
class HolderCount {
 public:
  // True for the first holder, and for the last.
  bool take() const { return count_++ == 0; }
  bool give_back() const { return --count_ == 0; }

 private:
  mutable uint32_t count_ = 0;
};

class Attributes {
 public:
  class Builder;

  static constexpr size_t kInlineBytes = 1024;

  FieldView find(Leaf leaf, size_t index = 0) const;
  size_t count(Leaf leaf) const;
  // Those of `leaves`, which it has, that the event carries otherwise; `first` is the field of the first leaf.
  LeafMask other_than(const Event& event, FieldId first, LeafMask leaves) const;
  // find(leaf).number where that is an integer.
  std::optional<int64_t> find_integer(Leaf leaf) const;
  bool has(Leaf leaf) const { return (leaves() & mask_of(leaf)) != 0; }
  LeafMask leaves() const { return own_ | shared_; }

  // What it occupies, without its parts: one for each leaf that is not kept inline, in their order.
  size_t size_bytes() const;
  std::span<const std::shared_ptr<const Attributes>> parts() const { return parts_; }
  HolderCount holders;

 private:
  // A leaf, and behind all leaves the elements of lists.
  struct Entry {
    uint32_t offset = 0;  // of the text; of a list, the index of its first element
    uint32_t size = 0;
    int64_t number = 0;  // a real's bits for kReal
    uint32_t count = 0;  // values: 0 for null and for an empty list
    Type type{};
  };
  struct Built {};  // only Builder can name it

 public:
  explicit Attributes(Built) {}

 private:
  FieldView view(const Entry& entry) const;
  const Entry* entries() const { return reinterpret_cast<const Entry*>(memory_.get()); }
  const Entry& entry_of(Leaf leaf) const;
  const Attributes& part_of(Leaf leaf) const;
  bool is_same(Leaf leaf, const Event& event, FieldId id) const;

  LeafMask own_ = 0;
  LeafMask shared_ = 0;
  std::unique_ptr<std::byte[]> memory_;  // the entries, by leaf; then their text
  uint32_t entry_count_ = 0;
  uint32_t text_bytes_ = 0;
  std::vector<std::shared_ptr<const Attributes>> parts_;
};

// Collects values; reusable, so that building does not grow buffers anew for each process.
class Attributes::Builder {
 public:
  // Leaves may come in any order (in that of Leaf is fastest); the first value of a leaf stays, later ones
  // are ignored. What is added must stay where it is until build().
  void add(Leaf leaf, const FieldView& value);
  // All elements of a leaf that the event carries under `id`.
  void add_from(Leaf leaf, const Event& event, FieldId id);
  // All elements of a leaf of `other`.
  void add_from(Leaf leaf, const Attributes& other);
  bool has(Leaf leaf) const { return (seen_ & mask_of(leaf)) != 0; }
  // What was added; the builder is then empty again.
  std::shared_ptr<const Attributes> build();

 private:
  struct Value {
    Leaf leaf{};
    uint32_t count = 0;  // elements of a list; else 1, or 0 for null
    uint32_t first = 0;  // of them, in elements_, where they are more than one
    uint32_t text_bytes = 0;
    FieldView view;

    size_t entries() const { return count > 1 ? count + 1 : 1; }
    bool is_long() const { return entries() * sizeof(Entry) + text_bytes > kInlineBytes; }
  };
  struct Part {
    Leaf leaf{};
    std::shared_ptr<const Attributes> attributes;
  };

  template <class Find>
  void push(Leaf leaf, size_t count, const FieldView& first, Find find);
  // Moves what is too long to be inline from values_ to parts_.
  void split_off();
  std::shared_ptr<Attributes> make(std::span<const Value> values) const;

  std::vector<Value> values_;
  std::vector<FieldView> elements_;
  std::vector<Part> parts_;
  LeafMask seen_ = 0;
  bool any_long_ = false;
};

}  // namespace detectd
