// One event: its kind, its time, and the values of its fields. All text is offsets into one buffer of its
// own, never pointers, so that an event moves through queues and threads by moving arrays; clear() keeps
// the capacity, so that decoding into a used event allocates nothing.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event_kind.h"
#include "engine/fields.h"

namespace detectd {

class Process;

enum class Type : uint8_t { kAbsent, kNull, kText, kInteger, kReal, kBoolean };

// One value. `text` is its text in every type (a number's as it was written: `5.0` stays `5.0`); `number`
// is set for integers and booleans, `real` for integers and reals. Valid until the event is changed or
// cleared, or for lineage, as long as the Process lives.
struct FieldView {
  Type type = Type::kAbsent;
  std::string_view text;
  int64_t number = 0;
  double real = 0;

  bool absent() const { return type == Type::kAbsent; }
  bool has_value() const { return type > Type::kNull; }
};

// Where an event was read: for messages and for the hit's `capture`.
struct Origin {
  uint32_t file = 0;  // the source's number of the file
  uint64_t line = 0;  // from 1; 0 = not from a file
};

// The host a capture was taken on, from its header; shared by all its events.
struct CaptureHost {
  std::string id;  // machine id
  std::string name;
  std::string boot_id;
  std::optional<int64_t> booted_ns =
      std::nullopt;  // what the wall clock said of its boot when the capture began
};

class Event {
 public:
  EventKind kind = EventKind::kExec;
  bool has_time = false;  // `time_ns` was in the line
  bool silent = false;    // feeds the process table, is shown to no rule
  // Set by EventOrder on an exec and on the id changes right before it that belong to it.
  bool joined = false;
  // What follows from the line alone was added already (DerivedFields::add_from_line), by whoever read it.
  bool derived = false;
  int64_t time_ns = 0;         // `@timestamp`: what the wall clock said
  int64_t order_shift_ns = 0;  // set by EventClock; see order_ns()
  uint64_t sequence = 0;       // `event.sequence`, 0 where it was not carried
  // How many earlier events had the same host, boot, time, kind, pids and sequence (the n of `event_key`).
  uint32_t repetition = 0;
  Origin origin;
  std::shared_ptr<const CaptureHost> host;  // null where the capture has no header
  std::shared_ptr<const Process> process;   // set by the process table; null without a pid
  std::shared_ptr<const Process> target;    // the same for `Target.process.*`

  // When it was, on a scale that goes as fast as time does, whoever sets the wall clock: what windows and
  // lineage live on (event_clock.h). The same as time_ns where nobody set it.
  int64_t order_ns() const { return time_ns + order_shift_ns; }

  // Empty, with room for `field_count` fields (Schema::size()).
  void clear(size_t field_count = kFieldCount + 1);

  // The line it was read from, every invalid byte replaced; empty for an event that was not read.
  std::string_view raw() const { return std::string_view(bytes_).substr(0, raw_size_); }

  // Carried by the event, else known from lineage (own process, parent, target, ancestors, previous
  // image), else absent. A field that detectd.missing names is not looked up in the lineage.
  // `index` counts the elements of a multi-valued field; beyond them: absent.
  FieldView find(FieldId id, size_t index = 0) const {
    return slot(id) == kUnset ? find_in_lineage(id, index) : find_carried(id, index);
  }
  // Elements of a multi-valued field (0 for an empty list); else 1, or 0 if the field is absent or null.
  size_t count(FieldId id) const {
    const uint16_t slot = this->slot(id);
    if (slot == kUnset) return count_in_lineage(id);
    if (slot == kWithheld) return 0;
    const Value& value = values_[slot - 1u];
    switch (value.tag()) {
      case Tag::kNull: return 0;
      case Tag::kList: return static_cast<size_t>(value.number);
      default: return 1;
    }
  }
  // The same of what the event itself carries.
  FieldView find_carried(FieldId id, size_t index = 0) const {
    const uint16_t slot = this->slot(id);
    if (slot == kUnset || slot == kWithheld) return {};
    const Value& value = values_[slot - 1u];
    // An empty list is null: present, without a value.
    if (value.tag() != Tag::kList || value.number == 0) return index == 0 ? view(value) : FieldView{};
    return index < static_cast<size_t>(value.number) ? view(values_[slot + index]) : FieldView{};
  }
  // Which leaves it carries of the subject whose leaves begin at `first`: process_field(Leaf{}), ...
  LeafMask carried_leaves(FieldId first) const;
  bool carries(FieldId id) const { return slot(id) != kUnset && slot(id) != kWithheld; }
  bool carries_list(FieldId id) const { return carries(id) && values_[slot(id) - 1u].tag() == Tag::kList; }
  // Whether it carries just this, and no list; other than kAbsent.
  bool carries_as(FieldId id, Type type, std::string_view text) const {
    if (!carries(id)) return false;
    const Value& value = values_[slot(id) - 1u];
    return value.tag() == tag_of(type) &&
           text == std::string_view(bytes_.data() + value.offset, value.size_and_tag >> 3);
  }
  bool withheld(FieldId id) const { return slot(id) == kWithheld; }

  // Begins to bring into the cache what find() will look at.
  void prefetch() const;

  // What it takes, buffers included and lineage not: an estimate for those that keep events.
  size_t memory_bytes() const {
    return sizeof(Event) + slot_.capacity() * sizeof(uint16_t) + values_.capacity() * sizeof(Value) +
           bytes_.capacity();
  }

  // Writing. A field is set once; the last set wins. False when the event is full (65,534 values).
  // set_raw comes first, before any value.
  void set_raw(std::string_view line);
  bool set_null(FieldId id);
  bool set_text(FieldId id, std::string_view text);
  bool set_integer(FieldId id, int64_t number);
  bool set_integer(FieldId id, int64_t number, std::string_view as_written);
  bool set_real(FieldId id, double real, std::string_view as_written);
  bool set_boolean(FieldId id, bool value);
  // A value that stands in raw(), with what it was read as (a real as its bits); kAbsent is none.
  struct InRaw {
    Type type = Type::kNull;
    uint32_t offset = 0;
    uint32_t size = 0;
    int64_t number = 0;
  };
  bool set(FieldId id, const InRaw& value) {
    if (values_.size() >= kMaxValues) return false;
    values_.push_back(
        {value.offset, value.size << 3 | static_cast<uint32_t>(tag_of(value.type)), value.number});
    slot_[index_of(id)] = static_cast<uint16_t>(values_.size());
    return true;
  }
  // A copy of a value of another event or process; kAbsent unsets.
  bool set(FieldId id, const FieldView& value);
  // A list: begin_list, then the elements, in order, with nothing else set between.
  bool begin_list(FieldId id);
  bool append_null(FieldId id);
  bool append_text(FieldId id, std::string_view text);
  bool append_integer(FieldId id, int64_t number, std::string_view as_written);
  bool append_real(FieldId id, double real, std::string_view as_written);
  bool append_boolean(FieldId id, bool value);
  bool append(FieldId id, const FieldView& value);
  bool append(FieldId id, const InRaw& value) {
    if (values_.size() >= kMaxValues) return false;
    values_.push_back(
        {value.offset, value.size << 3 | static_cast<uint32_t>(tag_of(value.type)), value.number});
    ++values_[slot_[index_of(id)] - 1u].number;
    return true;
  }
  void unset(FieldId id) { slot_[index_of(id)] = kUnset; }
  // Named by detectd.missing: absent, whatever the lineage knows.
  void withhold(FieldId id) { slot_[index_of(id)] = kWithheld; }

 private:
  // 16 bytes. A list is a head (kList, `number` = elements) with its elements right behind it.
  enum class Tag : uint8_t { kNull, kText, kInteger, kReal, kBoolean, kList };
  struct Value {
    uint32_t offset = 0;
    uint32_t size_and_tag = 0;  // size << 3 | tag; a line has at most 8 MiB
    int64_t number = 0;         // a real's bits for kReal

    Tag tag() const { return static_cast<Tag>(size_and_tag & 7u); }
  };
  static constexpr Tag tag_of(Type type) {
    switch (type) {
      case Type::kText: return Tag::kText;
      case Type::kInteger: return Tag::kInteger;
      case Type::kReal: return Tag::kReal;
      case Type::kBoolean: return Tag::kBoolean;
      default: return Tag::kNull;
    }
  }
  static constexpr size_t kMaxValues = 0xFFFE;
  static constexpr uint16_t kUnset = 0;
  static constexpr uint16_t kWithheld = 0xFFFF;

  uint16_t slot(FieldId id) const { return index_of(id) < slot_.size() ? slot_[index_of(id)] : kUnset; }
  bool push(FieldId id, Tag tag, std::string_view text, int64_t number);
  bool push_element(FieldId id, Tag tag, std::string_view text, int64_t number);
  Value make_value(Tag tag, std::string_view text, int64_t number);
  FieldView view(const Value& value) const {
    FieldView view;
    view.text = {bytes_.data() + value.offset, value.size_and_tag >> 3};
    switch (value.tag()) {
      case Tag::kNull:
      case Tag::kList: view.type = Type::kNull; break;
      case Tag::kText: view.type = Type::kText; break;
      case Tag::kInteger:
        view.type = Type::kInteger;
        view.number = value.number;
        view.real = static_cast<double>(value.number);
        break;
      case Tag::kReal:
        view.type = Type::kReal;
        view.real = std::bit_cast<double>(value.number);
        break;
      case Tag::kBoolean:
        view.type = Type::kBoolean;
        view.number = value.number;
        break;
    }
    return view;
  }
  FieldView find_in_lineage(FieldId id, size_t index) const;
  size_t count_in_lineage(FieldId id) const;

  std::vector<uint16_t> slot_;  // by field: 1 + index into values_
  std::vector<Value> values_;
  std::string bytes_;
  uint32_t raw_size_ = 0;
};

}  // namespace detectd
