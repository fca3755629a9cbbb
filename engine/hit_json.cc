#include "engine/hit_json.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>

#include "engine/escape.h"
#include "engine/event_codec.h"
#include "engine/hit_outcome.h"
#include "engine/process.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

// More than any process table keeps; a line may claim to carry more.
constexpr size_t kMaxListed = 256;

void append_string(std::string_view text, std::string& out) {
  out += '"';
  append_json_escaped(text, out);
  out += '"';
}

// `,"name":value`, without the comma as an object's first; nothing for an absent or null value. `name` is one of ours.
void append_member(std::string_view name, const FieldView& value, std::string& out) {
  if (!value.has_value()) return;
  if (out.back() != '{') out += ',';
  out += '"';
  out += name;
  out += "\":";
  if (value.type == Type::kText) {
    append_string(value.text, out);
  } else {
    append_json_sanitized(value.text, out);
  }
}

void append_rule(const Rule& rule, std::string& out) {
  out += "{\"id\":";
  append_string(rule.id, out);
  if (!rule.name.empty()) {
    out += ",\"name\":";
    append_string(rule.name, out);
  }
  out += ",\"title\":";
  append_string(rule.title, out);
  out += ",\"level\":";
  append_string(to_string(rule.level), out);
  out += ",\"tags\":[";
  for (size_t i = 0; i < rule.tags.size(); ++i) {
    if (i != 0) out += ',';
    append_string(rule.tags[i], out);
  }
  out += "]}";
}

// One ancestor as the event tells of it: what the line carried wins over the table.
class AncestorFields {
 public:
  AncestorFields(const Event& event, size_t index, const Process* process)
      : event_(event), index_(index), process_(process) {}

  FieldView find(Leaf leaf, FieldId list) const {
    if (index_ == 0) {
      const FieldView parent = event_.find(parent_field(leaf));
      if (parent.has_value()) return parent;
    }
    return event_.find(list, index_);
  }
  FieldView find_user(Leaf leaf) const {
    if (index_ == 0) return event_.find(parent_field(leaf));
    return process_ != nullptr ? process_->find(leaf) : FieldView{};
  }

 private:
  const Event& event_;
  size_t index_;
  const Process* process_;
};

void append_ancestor(const AncestorFields& ancestor, std::string& out) {
  out += '{';
  append_member("pid", ancestor.find(Leaf::kPid, field::kAncestorsPid), out);
  append_member("entity_id", ancestor.find(Leaf::kEntityId, field::kAncestorsEntityId), out);
  append_member("name", ancestor.find(Leaf::kName, field::kAncestorsName), out);
  append_member("executable", ancestor.find(Leaf::kExecutable, field::kAncestorsExecutable), out);
  append_member("command_line", ancestor.find(Leaf::kCommandLine, field::kAncestorsCommandLine), out);
  const FieldView id = ancestor.find_user(Leaf::kUserId);
  const FieldView name = ancestor.find_user(Leaf::kUserName);
  if (id.has_value() || name.has_value()) {
    if (out.back() != '{') out += ',';
    out += "\"user\":{";
    append_member("id", id, out);
    append_member("name", name, out);
    out += '}';
  }
  out += '}';
}

constexpr FieldId kLists[] = {field::kAncestorsPid, field::kAncestorsEntityId, field::kAncestorsName,
                              field::kAncestorsExecutable, field::kAncestorsCommandLine};

size_t count_ancestors(const Event& event) {
  size_t count = 0;
  for (const FieldId list : kLists) count = std::max(count, event.count(list));
  const bool parent_carried = event.find(parent_field(Leaf::kPid)).has_value() ||
                              event.find(parent_field(Leaf::kExecutable)).has_value() ||
                              event.find(parent_field(Leaf::kName)).has_value();
  return std::min(std::max(count, size_t{parent_carried}), kMaxListed);
}

}  // namespace

void append_event_json(const Event& event, std::string& out) {
  if (event.raw().empty()) {
    // It was not read but observed here: then it carries nothing beyond the table.
    static const Schema kTable;
    encode(event, kTable, out);
    return;
  }
  append_json_sanitized(event.raw(), out);
}

void append_lineage_json(const Event& event, std::string& out) {
  out += '[';
  const size_t count = count_ancestors(event);
  const Process* process = event.process ? event.process->parent.get() : nullptr;
  for (size_t i = 0; i < count; ++i) {
    if (i != 0) out += ',';
    append_ancestor(AncestorFields(event, i, process), out);
    if (process != nullptr) process = process->parent.get();
  }
  out += ']';
}

const std::string& LineageJson::beyond_parent(const Event& event, const Process& first) {
  Known& known = known_[std::hash<const Process*>()(&first) / alignof(std::max_align_t) % known_.size()];
  if (known.first == &first) return known.text;
  known.first = &first;
  known.text.clear();
  const Process* process = &first;
  for (size_t i = 1; process != nullptr && i < kMaxAncestors; ++i, process = process->parent.get()) {
    known.text += ',';
    append_ancestor(AncestorFields(event, i, process), known.text);
  }
  return known.text;
}

void LineageJson::append(const Event& event, std::string& out) {
  const Process* const parent = event.process ? event.process->parent.get() : nullptr;
  const bool is_told = std::any_of(std::begin(kLists), std::end(kLists), [&event](FieldId list) {
    return event.carries(list) || event.withheld(list);
  });
  if (parent == nullptr || is_told) return append_lineage_json(event, out);
  out += '[';
  append_ancestor(AncestorFields(event, 0, parent), out);
  if (parent->parent) out += beyond_parent(event, *parent->parent);
  out += ']';
}

void append_parts_json(const Hit& hit, std::string& out) {
  out += '[';
  for (const HitPart& part : hit.parts) {
    if (out.back() != '[') out += ',';
    out += "{\"id\":\"" + to_string(part.id) + "\",\"@timestamp\":\"" + format_rfc3339(part.time_ns);
    out += "\",\"rule\":{\"id\":";
    append_string(part.rule->id, out);
    if (!part.rule->name.empty()) {
      out += ",\"name\":";
      append_string(part.rule->name, out);
    }
    out += '}';
    if (part.event) {
      out += ",\"event\":";
      append_event_json(*part.event, out);
    }
    out += '}';
  }
  out += ']';
}

void append_group_json(const Hit& hit, std::string& out) {
  out += '{';
  for (const GroupValue& value : hit.group) {
    if (out.back() != '{') out += ',';
    append_string(value.field, out);
    out += ':';
    append_string(value.value, out);
  }
  out += '}';
}

void append_hit_json(const Hit& hit, const HitJsonOptions& options, std::string& out) {
  const Event& event = *hit.event;
  out += std::string("{\"type\":\"") + (hit.fold ? "fold" : "hit") + "\",\"id\":\"" + to_string(hit.id);
  out += "\",\"@timestamp\":\"" + format_rfc3339(event.time_ns) + "\",\"rule\":";
  append_rule(*hit.rule, out);
  out += ",\"event\":";
  append_event_json(event, out);
  out += ",\"lineage\":";
  append_lineage_json(event, out);
  if (event.origin.line != 0) {
    out += ",\"capture\":{\"file\":";
    append_string(options.capture_file, out);
    out += ",\"line\":" + std::to_string(event.origin.line) + '}';
  }
  if (hit.rule->correlation) {
    out += ",\"group\":";
    append_group_json(hit, out);
    out += ",\"parts\":";
    append_parts_json(hit, out);
    if (hit.parts_left_out != 0) out += ",\"parts_left_out\":" + std::to_string(hit.parts_left_out);
  }
  out += ",\"count\":" + std::to_string(hit.count);
  if (hit.fold) {
    out +=
        ",\"first\":\"" + format_rfc3339(hit.first_ns) + "\",\"last\":\"" + format_rfc3339(hit.last_ns) + '"';
  }
  if (hit.rule->response && hit.rule->response->action != ResponseAction::kAlert) {
    out += ",\"response\":{\"action\":";
    append_string(to_string(hit.rule->response->action), out);
    out += ",\"target\":";
    append_string(hit.rule->response->target, out);
    out += ',';
    append_outcome_json(outcome_of(hit), out);
    out += '}';
  }
  out += '}';
}

}  // namespace detectd
