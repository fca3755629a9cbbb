#include "tests/support/event_dump.h"

namespace detectd {
namespace {

std::string dump(const FieldView& value) {
  const std::string text(value.text);
  switch (value.type) {
    case Type::kText: return '"' + text + '"';
    case Type::kReal: return text + " (real)";
    case Type::kNull: return "null";
    case Type::kAbsent: return "absent";
    default: return text;
  }
}

}  // namespace

std::string dump(const Event& event, const Schema& schema) {
  std::string out(to_string(event.kind));
  out += '\n';
  for (size_t i = 0; i < schema.size(); ++i) {
    const FieldId id{static_cast<uint16_t>(i)};
    if (!event.carries(id)) continue;
    out += std::string(schema.info(id).name) + " = ";
    if (!event.carries_list(id)) {
      out += dump(event.find_carried(id)) + '\n';
      continue;
    }
    std::string list;
    for (size_t n = 0; n < event.count(id); ++n) {
      list += (n > 0 ? ", " : "") + dump(event.find_carried(id, n));
    }
    out += '[' + list + "]\n";
  }
  return out;
}

}  // namespace detectd
