#include "src/alerts/alert_text.h"

#include "engine/escape.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

// An enterprise number for documentation (RFC 5612).
constexpr std::string_view kElement = "detectd@32473";
// journald knows the kind of entry by it.
constexpr std::string_view kMessageId = "6f1d7d5b9c2e4f0f9f0b3a1c5d7e8f90";

void append_field(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out += name;
  out += '\n';
  for (int i = 0; i < 8; ++i) out += static_cast<char>(uint64_t{value.size()} >> (8 * i));
  out += value;
  out += '\n';
}

std::string number_or_nothing(const std::optional<int64_t>& number) {
  return number ? std::to_string(*number) : std::string();
}

// What a header's field may hold: visible ASCII, no blanks.
std::string header_text(std::string_view text, size_t max_bytes) {
  std::string clean;
  for (const char c : text.substr(0, max_bytes)) clean += c > ' ' && c < 0x7F ? c : '_';
  return clean.empty() ? "-" : clean;
}

void append_parameter(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  out += ' ';
  out += name;
  out += "=\"";
  for (const char c : escape_text(value)) {
    if (c == '"' || c == '\\' || c == ']') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace

int syslog_severity(Level level) { return 6 - static_cast<int>(level); }

std::string journal_entry(const Alert& alert) {
  std::string entry;
  append_field("MESSAGE", alert.text, entry);
  append_field("MESSAGE_ID", kMessageId, entry);
  append_field("PRIORITY", std::to_string(syslog_severity(alert.level)), entry);
  append_field("SYSLOG_IDENTIFIER", "detectd", entry);
  append_field("DETECTD_TYPE", to_string(alert.kind), entry);
  append_field("DETECTD_ID", alert.id, entry);
  append_field("DETECTD_TIME", format_rfc3339(alert.time_ns), entry);
  append_field("DETECTD_LEVEL", detectd::to_string(alert.level), entry);
  append_field("DETECTD_RULE", alert.rule_name, entry);
  append_field("DETECTD_RULE_ID", alert.rule_id, entry);
  append_field("DETECTD_RULE_TITLE", alert.rule_title, entry);
  for (const std::string& tag : alert.tags) append_field("DETECTD_TAG", tag, entry);
  append_field("DETECTD_HOST", alert.host, entry);
  append_field("DETECTD_PID", number_or_nothing(alert.pid), entry);
  append_field("DETECTD_PROCESS", alert.name, entry);
  append_field("DETECTD_EXECUTABLE", alert.executable, entry);
  append_field("DETECTD_COMMAND_LINE", alert.command_line, entry);
  append_field("DETECTD_PARENT_PID", number_or_nothing(alert.parent_pid), entry);
  append_field("DETECTD_PARENT", alert.parent_name, entry);
  append_field("DETECTD_USER", alert.user_name.empty() ? alert.user_id : alert.user_name, entry);
  append_field("DETECTD_RESPONSE", alert.response, entry);
  append_field("DETECTD_RESPONSE_OUTCOME", alert.response_outcome, entry);
  append_field("DETECTD_JSON", alert.json, entry);
  return entry;
}

std::string syslog_message(const Alert& alert, const SyslogOrigin& origin) {
  const std::string& host = alert.host.empty() ? origin.host : alert.host;
  std::string message = "<" + std::to_string(origin.facility * 8 + syslog_severity(alert.level)) + ">1 ";
  message += format_rfc3339(alert.time_ns, 6) + " " + header_text(host, 255) + " detectd ";
  message += std::to_string(origin.pid) + " " + std::string(to_string(alert.kind)) + " [";
  message += kElement;
  append_parameter("id", alert.id, message);
  append_parameter("level", detectd::to_string(alert.level), message);
  append_parameter("rule", alert.rule_name, message);
  append_parameter("rule_id", alert.rule_id, message);
  append_parameter("title", alert.rule_title, message);
  append_parameter("pid", number_or_nothing(alert.pid), message);
  append_parameter("process", alert.name, message);
  append_parameter("user", alert.user_name.empty() ? alert.user_id : alert.user_name, message);
  append_parameter("command_line", alert.command_line, message);
  append_parameter("response", alert.response_outcome, message);
  message += "] ";
  // JSON is one line, and what steers a terminal is escaped in it.
  message += alert.json;
  return message;
}

}  // namespace detectd
