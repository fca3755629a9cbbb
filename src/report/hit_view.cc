#include "src/report/hit_view.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/process.h"
#include "src/report/time_zone.h"

namespace detectd {
namespace {

constexpr size_t kMaxNameBytes = 256;

std::string short_text(const FieldView& view) {
  size_t size = std::min(view.text.size(), kMaxNameBytes);
  // Not inside a character.
  while (size > 0 && size < view.text.size() &&
         (static_cast<unsigned char>(view.text[size]) & 0xC0) == 0x80) {
    --size;
  }
  return escape_text(view.text.substr(0, size)) + (size < view.text.size() ? "..." : "");
}

std::string process_text(const FieldView& name, const FieldView& executable, const FieldView& pid) {
  std::string text;
  if (name.has_value()) {
    text = short_text(name);
  } else if (executable.has_value()) {
    text = short_text(executable);
  } else {
    text = "?";
  }
  if (pid.has_value()) text += "(" + short_text(pid) + ")";
  return text;
}

// One past the first character's last byte. `text` is valid UTF-8, and not empty.
size_t first_character_size(std::string_view text) {
  size_t size = 1;
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) ++size;
  return size;
}

}  // namespace

std::string lineage_text(const Event& event) {
  const auto find = [&event](FieldId id) { return event.find(id); };
  const FieldView pid = find(process_field(Leaf::kPid));
  const FieldView name = find(process_field(Leaf::kName));
  const FieldView executable = find(process_field(Leaf::kExecutable));
  if (!pid.has_value() && !name.has_value() && !executable.has_value()) return {};
  std::string text;
  const FieldView parent_pid = find(parent_field(Leaf::kPid));
  const FieldView parent_name = find(parent_field(Leaf::kName));
  const FieldView parent_executable = find(parent_field(Leaf::kExecutable));
  if (parent_pid.has_value() || parent_name.has_value() || parent_executable.has_value()) {
    text = process_text(parent_name, parent_executable, parent_pid) + " > ";
  }
  text += process_text(name, executable, pid);
  const FieldView target_pid = find(target_field(Leaf::kPid));
  const FieldView target_name = find(target_field(Leaf::kName));
  const FieldView target_executable = find(target_field(Leaf::kExecutable));
  if (target_pid.has_value() || target_name.has_value() || target_executable.has_value()) {
    text += " -> " + process_text(target_name, target_executable, target_pid);
  }
  return text;
}

std::string user_text(const Event& event) {
  const FieldView id = event.find(process_field(Leaf::kUserId));
  const FieldView name = event.find(process_field(Leaf::kUserName));
  std::string text = name.has_value() ? short_text(name) : short_text(id);
  const FieldView before = event.find(field::kPreviousUserId);
  if (before.has_value() && id.has_value() && before.text != id.text) {
    text.insert(0, short_text(before) + " > ");
  }
  return text;
}

std::string command_text(const Event& event, size_t max_bytes) {
  FieldView view =
      event.find(event.kind == EventKind::kHealth ? field::kMessage : process_field(Leaf::kCommandLine));
  if (!view.has_value()) view = event.find(process_field(Leaf::kExecutable));
  std::string_view kept = view.text;
  if (kept.size() > max_bytes) {
    size_t end = max_bytes;
    while (end > 0 && (static_cast<unsigned char>(kept[end]) & 0xC0) == 0x80) --end;
    kept = kept.substr(0, end);
  }
  std::string text;
  if (event.kind != EventKind::kExec) text = std::string(to_string(event.kind)) + ": ";
  append_escaped_text(kept, text);
  if (kept.size() != view.text.size()) {
    text += " [" + with_separators(view.text.size() - kept.size()) + " bytes more]";
  }
  return text;
}

std::string hit_text(const Hit& hit, size_t max_bytes) {
  if (hit.fold) return with_separators(hit.count - 1) + " more since " + format_time(hit.first_ns);
  if (!hit.rule->correlation) return command_text(*hit.event, max_bytes);
  const uint64_t parts = hit.parts.size() + hit.parts_left_out;
  std::string text = "[" + with_separators(parts) + (parts == 1 ? " hit" : " hits");
  for (const GroupValue& value : hit.group) {
    FieldView view;
    view.text = value.value;
    text += (&value == &hit.group.front() ? "; " : ", ") + escape_text(value.field) + " " + short_text(view);
  }
  return text + "] " + command_text(*hit.event, max_bytes);
}

std::string rule_text(const Rule& rule) {
  if (!rule.name.empty()) return escape_text(rule.name);
  return escape_text(rule.title.empty() ? rule.id : rule.title);
}

std::string cut(std::string_view text, size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  std::string kept;
  size_t width = 0;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, first_character_size(text));
    const size_t more = display_width(character);
    if (width + more + 1 > columns) break;
    width += more;
    kept += character;
    text.remove_prefix(character.size());
  }
  return columns == 0 ? kept : kept + "\u2026";
}

std::string fit(std::string_view text, size_t columns) {
  std::string fitted = cut(text, columns);
  const size_t width = display_width(fitted);
  if (width < columns) fitted.append(columns - width, ' ');
  return fitted;
}

std::string with_separators(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, 1, ',');
  return text;
}

}  // namespace detectd
