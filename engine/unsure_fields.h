// Which fields of an event can not be relied on, for those who do something to a process: what `detectd.missing` names,
// whether a value stands there or not, and a name that was taken from the thread because the executable is not known.
#pragma once

#include <optional>
#include <vector>

#include "engine/event.h"
#include "engine/fields.h"

namespace detectd {

class UnsureFields {
 public:
  explicit UnsureFields(const Event& event);

  // `field` is empty for what looks at all of an event's texts.
  bool has(std::optional<FieldId> field) const;

 private:
  const Event& event_;
  std::vector<FieldId> missing_;  // sorted
};

}  // namespace detectd
