#include "src/store/hit_record.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/hit_outcome.h"
#include "engine/process.h"
#include "engine/timestamp.h"
#include "src/store/packing.h"

namespace detectd {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr size_t kMaxCommandBytes = 4096;

// Cut to whole characters and escaped.
void set_text(std::string_view text, size_t max_bytes, std::string& out) {
  out.clear();
  size_t size = std::min(text.size(), max_bytes);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  append_escaped_text(text.substr(0, size), out);
  if (size < text.size()) out += " [" + std::to_string(text.size() - size) + " bytes more]";
}

// The same, redacted.
void set_text(const FieldView& value, size_t max_bytes, const Redaction& redaction, std::string& out) {
  if (!value.has_value()) return out.clear();
  if (redaction.empty() || !redaction.may_need(value.text)) return set_text(value.text, max_bytes, out);
  std::string redacted(value.text);
  redaction.redact_text(redacted);
  set_text(redacted, max_bytes, out);
}

std::optional<int64_t> number_of(const FieldView& value) {
  return value.type == Type::kInteger ? std::optional(value.number) : std::nullopt;
}

// FNV-1a: the name of a family need not withstand an attack, the tree compares whole identities.
int64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  return static_cast<int64_t>(hash);
}

std::optional<int64_t> family_of(const Event& event) {
  std::string_view head = event.find(process_field(Leaf::kEntityId)).text;
  const size_t count = std::min(event.count(field::kAncestorsEntityId), kMaxAncestors);
  for (size_t i = 0; i < count; ++i) {
    const FieldView pid = event.find(field::kAncestorsPid, i);
    const FieldView id = event.find(field::kAncestorsEntityId, i);
    if (pid.type == Type::kInteger && pid.number == 1) break;
    if (id.has_value()) head = id.text;
  }
  return head.empty() ? std::nullopt : std::optional(hash_of(head));
}

std::string tags_json(const std::vector<std::string>& tags) {
  std::string json = "[";
  for (const std::string& tag : tags) {
    if (json.size() > 1) json += ',';
    json += '"';
    append_json_escaped(tag, json);
    json += '"';
  }
  return json + "]";
}

int64_t time_of(const FieldView& value, int64_t otherwise_ns) {
  return value.has_value() ? parse_rfc3339(value.text).value_or(otherwise_ns) : otherwise_ns;
}

void pack_rule(const RuleRecord& rule, Packer& packer) {
  packer.text(rule.id).text(rule.name).text(rule.title).number(static_cast<int64_t>(rule.level));
  packer.text(rule.tags).text(rule.digest);
}

}  // namespace

void append_constant_part(const HitRecord& record, std::string& out) {
  Packer packer(out);
  packer.text({reinterpret_cast<const char*>(record.id.data()), record.id.size()}).number(record.time_ns);
  pack_rule(*record.rule, packer);
  packer.text(record.kind).text(record.host);
  packer.optional(record.pid).optional(record.parent_pid).optional(record.target_pid);
  packer.text(record.name).text(record.parent_name).text(record.target_name);
  packer.text(record.entity_id).text(record.executable).text(record.command_line);
  packer.text(record.user_id).text(record.user_name).text(record.previous_user_id).optional(record.family);
  packer.text(record.event).text(record.lineage);
  packer.text(record.grouping).text(record.parts).number(record.parts_left_out);
  packer.text(record.capture_file).number(record.capture_line);
  packer.text(record.response).text(record.response_target);
}

std::string RuleRecord::key() const {
  std::string bytes;
  Packer packer(bytes);
  pack_rule(*this, packer);
  return bytes;
}

RuleRecord make_rule_record(const Rule& rule, std::string digest) {
  return {.id = escape_text(rule.id),
          .name = escape_text(rule.name),
          .title = escape_text(rule.title),
          .level = rule.level,
          .tags = tags_json(rule.tags),
          .digest = std::move(digest)};
}

void make_hit_record(const Hit& hit, const RecordOptions& options, HitRecord& record) {
  const Event& event = *hit.event;
  record.event.clear();
  append_event_json(event, record.event);
  // What a line carries needs no closer look where the line needs none.
  const bool line_is_clean =
      options.redaction.empty() || (!event.raw().empty() && !options.redaction.may_need(record.event));
  if (!line_is_clean) options.redaction.redact_json(record.event);
  const auto text = [&](FieldId id, size_t max_bytes, std::string& out) {
    const FieldView value = event.find(id);
    if (line_is_clean && event.carries(id)) return set_text(value.text, max_bytes, out);
    set_text(value, max_bytes, options.redaction, out);
  };
  record.id = hit.id;
  record.time_ns = event.time_ns;
  record.count = hit.count;
  record.first_ns = hit.first_ns;
  record.last_ns = hit.last_ns;
  record.kind = to_string(event.kind);
  text(field::kHostName, kMaxNameBytes, record.host);
  record.pid = number_of(event.find(process_field(Leaf::kPid)));
  record.parent_pid = number_of(event.find(parent_field(Leaf::kPid)));
  record.target_pid = number_of(event.find(target_field(Leaf::kPid)));
  text(process_field(Leaf::kName), kMaxNameBytes, record.name);
  text(parent_field(Leaf::kName), kMaxNameBytes, record.parent_name);
  text(target_field(Leaf::kName), kMaxNameBytes, record.target_name);
  text(process_field(Leaf::kEntityId), kMaxNameBytes, record.entity_id);
  text(process_field(Leaf::kExecutable), kMaxCommandBytes, record.executable);
  const bool speaks = event.kind == EventKind::kHealth;
  text(speaks ? field::kMessage : process_field(Leaf::kCommandLine), kMaxCommandBytes, record.command_line);
  text(process_field(Leaf::kUserId), kMaxNameBytes, record.user_id);
  text(process_field(Leaf::kUserName), kMaxNameBytes, record.user_name);
  text(field::kPreviousUserId, kMaxNameBytes, record.previous_user_id);
  record.family = family_of(event);
  record.lineage.clear();
  options.lineages.append(event, record.lineage);
  options.redaction.redact_json(record.lineage);
  record.grouping.clear();
  record.parts.clear();
  record.parts_left_out = static_cast<int64_t>(hit.parts_left_out);
  if (hit.rule->correlation) {
    append_group_json(hit, record.grouping);
    options.redaction.redact_json(record.grouping);
    append_parts_json(hit, record.parts);
    options.redaction.redact_json(record.parts);
  }
  record.capture_line = static_cast<int64_t>(event.origin.line);
  record.capture_file.clear();
  if (event.origin.line != 0) append_escaped_text(options.capture_file, record.capture_file);
  record.response.clear();
  record.response_target.clear();
  record.response_outcome.clear();
  if (hit.rule->response && hit.rule->response->action != ResponseAction::kAlert) {
    record.response = to_string(hit.rule->response->action);
    append_escaped_text(hit.rule->response->target, record.response_target);
    append_escaped_text(outcome_of(hit), record.response_outcome);
  }
}

GapRecord make_gap_record(const Event& event, const Redaction& redaction) {
  GapRecord record;
  record.time_ns = event.time_ns;
  record.begin_ns = time_of(event.find(field::kEventStart), event.time_ns);
  record.end_ns = std::max(record.begin_ns, time_of(event.find(field::kEventEnd), event.time_ns));
  record.lost = number_of(event.find(field::kLost));
  set_text(event.find(field::kReason), kMaxNameBytes, redaction, record.reason);
  set_text(event.find(field::kHostName), kMaxNameBytes, redaction, record.host);
  append_event_json(event, record.event);
  redaction.redact_json(record.event);
  return record;
}

void append_record(const HitRecord& record, std::string& out) {
  append_constant_part(record, out);
  Packer packer(out);
  packer.text(record.response_outcome).number(static_cast<int64_t>(record.count));
  packer.number(record.first_ns).number(record.last_ns);
}

void append_record(const GapRecord& record, std::string& out) {
  Packer packer(out);
  packer.number(record.time_ns).number(record.begin_ns).number(record.end_ns).optional(record.lost);
  packer.text(record.reason).text(record.host).text(record.event);
}

std::optional<HitRecord> read_hit_record(std::string_view bytes) {
  Unpacker unpacker(bytes);
  HitRecord record;
  RuleRecord rule;
  std::string id;
  int64_t level = 0, count = 0;
  unpacker.text(id).number(record.time_ns);
  unpacker.text(rule.id).text(rule.name).text(rule.title).number(level).text(rule.tags).text(rule.digest);
  unpacker.text(record.kind).text(record.host);
  unpacker.optional(record.pid).optional(record.parent_pid).optional(record.target_pid);
  unpacker.text(record.name).text(record.parent_name).text(record.target_name);
  unpacker.text(record.entity_id).text(record.executable).text(record.command_line);
  unpacker.text(record.user_id).text(record.user_name).text(record.previous_user_id).optional(record.family);
  unpacker.text(record.event).text(record.lineage);
  unpacker.text(record.grouping).text(record.parts).number(record.parts_left_out);
  unpacker.text(record.capture_file).number(record.capture_line);
  unpacker.text(record.response).text(record.response_target);
  unpacker.text(record.response_outcome).number(count).number(record.first_ns).number(record.last_ns);
  if (!unpacker.complete() || id.size() != record.id.size() || level < 0 ||
      level > static_cast<int64_t>(Level::kCritical) || count < 0) {
    return std::nullopt;
  }
  std::copy(id.begin(), id.end(), record.id.begin());
  rule.level = static_cast<Level>(level);
  record.rule = std::make_shared<const RuleRecord>(std::move(rule));
  record.count = static_cast<uint64_t>(count);
  return record;
}

std::optional<GapRecord> read_gap_record(std::string_view bytes) {
  Unpacker unpacker(bytes);
  GapRecord record;
  unpacker.number(record.time_ns).number(record.begin_ns).number(record.end_ns).optional(record.lost);
  unpacker.text(record.reason).text(record.host).text(record.event);
  if (!unpacker.complete()) return std::nullopt;
  return record;
}

Sha256 chain_link(std::string_view previous, std::string_view constant_part, Sha256Hasher& hasher) {
  hasher.add_part(previous);
  hasher.add_part(constant_part);
  return hasher.finish();
}

Sha256 chain_link(std::string_view previous, const HitRecord& record, Sha256Hasher& hasher,
                  std::string& scratch) {
  scratch.clear();
  append_constant_part(record, scratch);
  return chain_link(previous, scratch, hasher);
}

}  // namespace detectd
