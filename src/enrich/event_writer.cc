#include "src/enrich/event_writer.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

bool goes_with_image(FieldId id) {
  const FieldPlace place = place_of(id);
  return place.subject == Subject::kProcess && lifetime_of(place.leaf) == Lifetime::kImage;
}

}  // namespace

void EventWriter::begin(Event& event) {
  event_ = &event;
  missing_.clear();
}

void EventWriter::text(FieldId id, std::string_view bytes) {
  if (is_ascii(bytes)) {
    event_->set_text(id, bytes);
  } else {
    replace_invalid_utf8(bytes, clean_);
    event_->set_text(id, clean_);
  }
}

void EventWriter::text_or_null(Leaf leaf, std::string_view bytes) {
  if (bytes.empty()) {
    null(leaf);
  } else {
    text(leaf, bytes);
  }
}

void EventWriter::integer(Leaf leaf, uint64_t number) {
  event_->set_integer(process_field(leaf), static_cast<int64_t>(std::min<uint64_t>(number, INT64_MAX)));
}

bool EventWriter::append(Leaf leaf, std::string_view bytes) {
  if (is_ascii(bytes)) {
    event_->append_text(process_field(leaf), bytes);
    return false;
  }
  const bool replaced = replace_invalid_utf8(bytes, clean_) > 0;
  event_->append_text(process_field(leaf), clean_);
  return replaced;
}

void EventWriter::finish() {
  if (missing_.empty()) return;
  std::vector<std::string> known;
  for (size_t i = 0; i < event_->count(field::kMissing); ++i) {
    known.emplace_back(event_->find_carried(field::kMissing, i).text);
  }
  event_->begin_list(field::kMissing);
  for (const std::string& name : known) event_->append_text(field::kMissing, name);
  for (const FieldId id : missing_) {
    const std::string_view name = table_info(id).name;
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    event_->append_text(field::kMissing, name);
    if (!event_->carries(id) && goes_with_image(id)) event_->withhold(id);
  }
}

}  // namespace detectd
