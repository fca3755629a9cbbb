// An event's values, looked up and folded once however many rules ask. For one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

class TextCache {
 public:
  // The schema of the rule set whose items will ask; it must be complete, and is not kept.
  explicit TextCache(const Schema& schema);

  // Forgets the last event. Memory is kept, up to a bound, so that the steady state allocates
  // nothing.
  void begin(const Event& event);

  // How many elements a field has, and its first (Event::count and find). Valid until the next begin().
  struct Value {
    size_t count = 0;
    FieldView first;
  };
  const Value& value(FieldId field) {
    Looked& looked = values_[index_of(field)];
    if (looked.epoch != epoch_) look_up(field, looked);
    return looked.value;
  }

  // `text`, the value of `field` at `index` in this event, folded. Valid until the next begin() and
  // while the event is unchanged: text that folding does not change is returned as it is.
  std::string_view folded(FieldId field, size_t index, std::string_view text);

  // Where a keyword search looks.
  const std::vector<FieldId>& keyword_fields() const { return keyword_fields_; }
  const Event* event() const { return event_; }

 private:
  struct Entry {
    uint64_t key = 0;    // field and index
    uint64_t epoch = 0;  // of the event it was made for
    std::string_view text;
  };

  struct Looked {
    uint64_t epoch = 0;
    Value value;
  };

  void look_up(FieldId field, Looked& looked);
  std::string_view fold(std::string_view text);
  Entry& find_element(FieldId field, size_t index);
  void grow();
  char* reserve(size_t bytes);

  std::vector<FieldId> keyword_fields_;
  const Event* event_ = nullptr;
  uint64_t epoch_ = 0;
  std::vector<Looked> values_;   // by field
  std::vector<Entry> first_;     // by field: element 0, folded
  std::vector<Entry> elements_;  // the others: open addressing, the size a power of two
  size_t elements_used_ = 0;     // in this epoch
  struct Block {
    std::unique_ptr<char[]> bytes;
    size_t size = 0;
  };
  std::vector<Block> blocks_;  // never moved, for views point into them
  size_t block_ = 0;           // the one in use
  size_t used_ = 0;            // bytes of it
};

}  // namespace detectd
