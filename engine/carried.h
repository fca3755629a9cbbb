// What a line itself says of one of its processes.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

// process_field, parent_field or target_field: which of an event's processes is meant.
using FieldOf = FieldId (*)(Leaf);

// 0 where there is none that can be one: pid 0 is nobody's.
inline uint32_t carried_pid(const Event& event, FieldOf field) {
  if (!event.carries(field(Leaf::kPid))) return 0;
  const FieldView pid = event.find_carried(field(Leaf::kPid));
  const bool valid = pid.type == Type::kInteger && pid.number > 0 && pid.number <= UINT32_MAX;
  return valid ? static_cast<uint32_t>(pid.number) : 0;
}

inline std::string_view carried_text(const Event& event, FieldId id) {
  if (!event.carries(id)) return {};
  const FieldView view = event.find_carried(id);
  return view.type == Type::kText ? view.text : std::string_view();
}

// Whether a field may be filled in: neither carried nor named by detectd.missing.
inline bool is_open(const Event& event, FieldId id) { return !event.carries(id) && !event.withheld(id); }

}  // namespace detectd
