#include "engine/missing_fields.h"

#include <string_view>
#include <vector>

#include "engine/event.h"

namespace detectd {

void settle_missing(Event& event) {
  // What was read from a capture is settled.
  if (!event.raw().empty() || !event.carries(field::kMissing)) return;
  const size_t count = event.count(field::kMissing);
  std::vector<std::string_view> remaining;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view name = event.find_carried(field::kMissing, i).text;
    const auto id = find_table_field_or_alias(name);
    if (id && !event.carries(*id) && !event.withheld(*id)) {
      if (!event.find(*id).absent()) continue;
      event.withhold(*id);
    }
    remaining.push_back(name);
  }
  if (remaining.size() == count) return;
  if (remaining.empty()) return event.unset(field::kMissing);
  // The names stand in the event's own buffer, where they stay.
  event.begin_list(field::kMissing);
  for (const std::string_view name : remaining) event.append_text(field::kMissing, name);
}

}  // namespace detectd
