#include "engine/unsure_fields.h"

#include <algorithm>

namespace detectd {
namespace {

// Of whom the name was made of the executable's last part, if that was known.
std::optional<FieldId> executable_behind(FieldId field) {
  const FieldPlace place = place_of(field);
  if (place.leaf != Leaf::kName) return std::nullopt;
  switch (place.subject) {
    case Subject::kProcess: return process_field(Leaf::kExecutable);
    case Subject::kParent: return parent_field(Leaf::kExecutable);
    case Subject::kTarget: return target_field(Leaf::kExecutable);
    default: return std::nullopt;
  }
}

}  // namespace

UnsureFields::UnsureFields(const Event& event) : event_(event) {
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    if (const auto field = find_table_field(event.find(field::kMissing, i).text)) missing_.push_back(*field);
  }
  std::sort(missing_.begin(), missing_.end());
}

bool UnsureFields::has(std::optional<FieldId> field) const {
  if (!field) return !missing_.empty();
  const auto is_missing = [this](FieldId wanted) {
    return std::binary_search(missing_.begin(), missing_.end(), wanted);
  };
  if (is_missing(*field)) return true;
  const auto executable = executable_behind(*field);
  return executable && (is_missing(*executable) || !event_.find(*executable).has_value());
}

}  // namespace detectd
