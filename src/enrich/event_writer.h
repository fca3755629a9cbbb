// Sets an event's fields from bytes of the world, and keeps the list of those that could not be had.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// One a thread, used again: begin, fields, finish.
class EventWriter {
 public:
  void begin(Event& event);

  // Every invalid byte becomes U+FFFD, as in a capture that is read.
  void text(FieldId id, std::string_view bytes);
  void text(Leaf leaf, std::string_view bytes) { text(process_field(leaf), bytes); }
  // Absent or empty text: there is none, whatever was known before.
  void text_or_null(Leaf leaf, std::string_view bytes);
  void integer(Leaf leaf, uint64_t number);
  void boolean(Leaf leaf, bool value) { event_->set_boolean(process_field(leaf), value); }
  void null(Leaf leaf) { event_->set_null(process_field(leaf)); }
  // True if bytes were replaced.
  bool append(Leaf leaf, std::string_view bytes);

  // Could not be had. What goes with the program is then withheld; what a process keeps over an exec is left
  // to what is known of it from before (settle_missing).
  void missing(FieldId id) { missing_.push_back(id); }
  void missing(std::initializer_list<Leaf> leaves) {
    for (const Leaf leaf : leaves) missing(process_field(leaf));
  }

  Event& event() { return *event_; }
  // Writes detectd.missing.
  void finish();

 private:
  Event* event_ = nullptr;
  std::vector<FieldId> missing_;
  std::string clean_;
};

}  // namespace detectd
