#include "src/alerts/webhook_body.h"

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr size_t kMaxSlackText = 2900;  // Slack cuts a section at 3000
constexpr int64_t kFindingClass = 2004;
constexpr int64_t kFindingCategory = 2;
constexpr int64_t kActivityCreate = 1;

void member(JsonWriter& json, std::string_view name, const std::string& text) {
  if (!text.empty()) json.member(name, text);
}
void member(JsonWriter& json, std::string_view name, const std::optional<int64_t>& number) {
  if (number) json.member_number(name, *number);
}

std::string_view slack_color(Level level) {
  constexpr std::string_view kColors[] = {"#9e9e9e", "#439fe0", "#daa038", "#e8590c", "#a30200"};
  return kColors[static_cast<size_t>(level)];
}

void slack_field(JsonWriter& json, const char* title, const std::string& value) {
  if (value.empty()) return;
  json.begin_object();
  json.member("title", title);
  json.member("value", slack_escaped(value));
  json.member_boolean("short", value.size() < 40);
  json.end_object();
}

// An attachment, which all who take Slack's messages know.
std::string slack_body(const Alert& alert) {
  JsonWriter json;
  json.begin_object();
  json.member("text", slack_escaped(alert.text));
  json.key("attachments");
  json.begin_array();
  json.begin_object();
  json.member("color", slack_color(alert.level));
  json.member("fallback", slack_escaped(alert.text));
  json.key("mrkdwn_in");
  json.begin_array();
  json.end_array();
  json.key("fields");
  json.begin_array();
  slack_field(json, "Rule", alert.rule_title);
  slack_field(json, "Host", alert.host);
  slack_field(json, "User", alert.user_name.empty() ? alert.user_id : alert.user_name);
  slack_field(json, "Command line", alert.command_line);
  slack_field(json, "Response", alert.response_outcome);
  slack_field(json, "Id", alert.id);
  json.end_array();
  json.member_number("ts", alert.time_ns / kNanosPerSecond);
  json.end_object();
  json.end_array();
  json.end_object();
  return json.text();
}

void ocsf_process(const Alert& alert, JsonWriter& json) {
  json.key("process");
  json.begin_object();
  member(json, "name", alert.name);
  member(json, "pid", alert.pid);
  member(json, "cmd_line", alert.command_line);
  if (!alert.executable.empty()) {
    json.key("file");
    json.begin_object();
    json.member("path", alert.executable);
    json.member("name", std::string_view(alert.executable).substr(alert.executable.rfind('/') + 1));
    json.member_number("type_id", 1);
    json.end_object();
  }
  if (!alert.user_id.empty() || !alert.user_name.empty()) {
    json.key("user");
    json.begin_object();
    member(json, "name", alert.user_name);
    member(json, "uid", alert.user_id);
    json.end_object();
  }
  if (alert.parent_pid || !alert.parent_name.empty()) {
    json.key("parent_process");
    json.begin_object();
    member(json, "name", alert.parent_name);
    member(json, "pid", alert.parent_pid);
    json.end_object();
  }
  json.end_object();
}

void ocsf_evidence(const Alert& alert, JsonWriter& json) {
  json.key("evidences");
  json.begin_array();
  json.begin_object();
  ocsf_process(alert, json);
  if (!alert.event.empty()) {
    json.key("data");
    json.raw(alert.event);
  }
  json.end_object();
  json.end_array();
}

std::string ocsf_body(const Alert& alert) {
  JsonWriter json;
  json.begin_object();
  json.member_number("class_uid", kFindingClass);
  json.member("class_name", "Detection Finding");
  json.member_number("category_uid", kFindingCategory);
  json.member("category_name", "Findings");
  json.member_number("activity_id", kActivityCreate);
  json.member_number("type_uid", kFindingClass * 100 + kActivityCreate);
  json.member_number("time", alert.time_ns / 1'000'000);
  json.member_number("severity_id", static_cast<int64_t>(alert.level) + 1);
  constexpr const char* kSeverities[] = {"Informational", "Low", "Medium", "High", "Critical"};
  json.member("severity", kSeverities[static_cast<size_t>(alert.level)]);
  json.member_number("status_id", 1);
  json.member("message", alert.text);
  json.member_number("count", static_cast<int64_t>(alert.count));
  json.key("metadata");
  json.begin_object();
  json.member("version", "1.3.0");
  json.member("uid", alert.id);
  json.key("product");
  json.begin_object();
  json.member("name", "detectd");
  json.member("vendor_name", "detectd");
  json.end_object();
  json.end_object();
  json.key("finding_info");
  json.begin_object();
  json.member("uid", alert.id);
  json.member("title", alert.rule_title.empty() ? alert.text : alert.rule_title);
  if (!alert.rule_id.empty()) {
    json.key("analytic");
    json.begin_object();
    json.member("uid", alert.rule_id);
    member(json, "name", alert.rule_name);
    json.member_number("type_id", 1);
    json.end_object();
  }
  json.end_object();
  if (!alert.host.empty()) {
    json.key("device");
    json.begin_object();
    json.member("hostname", alert.host);
    json.member_number("type_id", 0);
    json.end_object();
  }
  if (alert.kind == AlertKind::kHit) {
    ocsf_evidence(alert, json);
  } else {
    json.key("unmapped");
    json.begin_object();
    json.key("detectd");
    json.raw(alert.json);
    json.end_object();
  }
  json.end_object();
  return json.text();
}

void ecs_rule(const Alert& alert, JsonWriter& json) {
  if (alert.rule_id.empty()) return;
  json.key("rule");
  json.begin_object();
  json.member("id", alert.rule_id);
  member(json, "name", alert.rule_name);
  json.member("description", alert.rule_title);
  json.end_object();
}

void ecs_process(const Alert& alert, JsonWriter& json) {
  if (alert.kind != AlertKind::kHit) return;
  json.key("process");
  json.begin_object();
  member(json, "pid", alert.pid);
  member(json, "name", alert.name);
  member(json, "executable", alert.executable);
  member(json, "command_line", alert.command_line);
  json.key("parent");
  json.begin_object();
  member(json, "pid", alert.parent_pid);
  member(json, "name", alert.parent_name);
  json.end_object();
  json.end_object();
  json.key("user");
  json.begin_object();
  member(json, "id", alert.user_id);
  member(json, "name", alert.user_name);
  json.end_object();
}

std::string ecs_body(const Alert& alert) {
  JsonWriter json;
  json.begin_object();
  json.member("@timestamp", format_rfc3339(alert.time_ns, 3));
  json.key("ecs");
  json.begin_object();
  json.member("version", "8.11.0");
  json.end_object();
  json.member("message", alert.text);
  json.key("event");
  json.begin_object();
  json.member("id", alert.id);
  json.member("kind", alert.kind == AlertKind::kHit ? "alert" : "event");
  json.member("module", "detectd");
  json.member("dataset", "detectd." + std::string(to_string(alert.kind)));
  json.member_number("severity", static_cast<int64_t>(alert.level));
  if (!alert.event.empty()) json.member("original", alert.event);
  json.end_object();
  json.key("log");
  json.begin_object();
  json.member("level", to_string(alert.level));
  json.end_object();
  ecs_rule(alert, json);
  json.key("tags");
  json.begin_array();
  for (const std::string& tag : alert.tags) json.string(tag);
  json.end_array();
  if (!alert.host.empty()) {
    json.key("host");
    json.begin_object();
    json.member("name", alert.host);
    json.end_object();
  }
  ecs_process(alert, json);
  json.key("detectd");
  json.raw(alert.json);
  json.end_object();
  return json.text();
}

}  // namespace

std::optional<BodyFormat> find_body_format(std::string_view name) {
  if (name == "json") return BodyFormat::kJson;
  if (name == "slack") return BodyFormat::kSlack;
  if (name == "ocsf") return BodyFormat::kOcsf;
  if (name == "ecs") return BodyFormat::kEcs;
  return std::nullopt;
}

// A word joiner behind what opens markup would be another character in a copied command; entities are shown as they were.
std::string slack_escaped(std::string_view text) {
  std::string escaped;
  for (const char c : escape_text(text)) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      // Full-width forms: a code block, bold, italic or struck text can not be closed or opened by an argument.
      case '`': escaped += "\xEF\xBD\x80"; break;
      case '*': escaped += "\xEF\xBC\x8A"; break;
      case '_': escaped += "\xEF\xBC\xBF"; break;
      case '~': escaped += "\xEF\xBD\x9E"; break;
      case '@': escaped += "\xEF\xBC\xA0"; break;
      default: escaped += c;
    }
    if (escaped.size() > kMaxSlackText) return escaped + "...";
  }
  return escaped;
}

std::string webhook_body(const Alert& alert, BodyFormat format) {
  switch (format) {
    case BodyFormat::kJson: return alert.json;
    case BodyFormat::kSlack: return slack_body(alert);
    case BodyFormat::kOcsf: return ocsf_body(alert);
    case BodyFormat::kEcs: return ecs_body(alert);
  }
  return alert.json;
}

}  // namespace detectd
