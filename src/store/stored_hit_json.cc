#include "src/store/stored_hit_json.h"

#include "engine/json_writer.h"
#include "engine/response_outcome.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

void write_raw(JsonWriter& json, std::string_view name, const std::string& document) {
  if (document.empty()) return;
  json.key(name);
  json.raw(document);
}

void write_rule(JsonWriter& json, const RuleRecord& rule) {
  json.key("rule");
  json.begin_object();
  json.member("id", rule.id);
  if (!rule.name.empty()) json.member("name", rule.name);
  json.member("title", rule.title);
  json.member("level", to_string(rule.level));
  write_raw(json, "tags", rule.tags);
  if (!rule.digest.empty()) json.member("digest", rule.digest);
  json.end_object();
}

}  // namespace

std::string json_line(const StoredHit& hit) {
  const HitRecord& record = hit.record;
  JsonWriter json;
  json.begin_object();
  json.member("type", "hit");
  json.member_number("n", hit.n);
  json.member("id", to_string(record.id));
  json.member("@timestamp", format_rfc3339(record.time_ns));
  write_rule(json, *record.rule);
  write_raw(json, "event", record.event);
  write_raw(json, "lineage", record.lineage);
  if (record.capture_line != 0) {
    json.key("capture");
    json.begin_object();
    json.member("file", record.capture_file);
    json.member_number("line", record.capture_line);
    json.end_object();
  }
  write_raw(json, "group", record.grouping);
  write_raw(json, "parts", record.parts);
  if (record.parts_left_out != 0) json.member_number("parts_left_out", record.parts_left_out);
  json.member_number("count", static_cast<int64_t>(record.count));
  json.member("first", format_rfc3339(record.first_ns));
  json.member("last", format_rfc3339(record.last_ns));
  if (!record.response.empty()) {
    json.key("response");
    json.begin_object();
    json.member("action", record.response);
    json.member("target", record.response_target);
    const ResponseOutcome outcome = parse_response_outcome(record.response_outcome);
    json.member("outcome", outcome.what);
    if (!outcome.level.empty()) json.member("level", outcome.level);
    if (outcome.after_us) json.member_number("after_us", *outcome.after_us);
    if (outcome.processes) json.member_number("processes", static_cast<int64_t>(*outcome.processes));
    json.end_object();
  }
  if (hit.acknowledged_ns) json.member("acknowledged", format_rfc3339(*hit.acknowledged_ns));
  if (!hit.note.empty()) json.member("note", hit.note);
  json.end_object();
  return json.text() + "\n";
}

std::string json_line(const StoredGap& gap) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "lost");
  json.member("@timestamp", format_rfc3339(gap.record.time_ns));
  json.member("begin", format_rfc3339(gap.record.begin_ns));
  json.member("end", format_rfc3339(gap.record.end_ns));
  if (gap.record.lost) json.member_number("events", *gap.record.lost);
  json.member_number("run", gap.run);
  write_raw(json, "event", gap.record.event);
  json.end_object();
  return json.text() + "\n";
}

}  // namespace detectd
