#include "src/detectctl/hit_columns.h"

#include <algorithm>

#include "engine/diagnostic.h"
#include "engine/escape.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

// The database may be anybody's: what was escaped when it was stored is escaped again, which changes nothing then.
std::string safe(const std::string& text) { return escape_text(text); }
std::string safe(const std::optional<int64_t>& number) { return number ? std::to_string(*number) : ""; }

std::string one_process(const std::string& name, const std::optional<int64_t>& pid) {
  return (name.empty() ? "?" : safe(name)) + (pid ? "(" + std::to_string(*pid) + ")" : "");
}

using Hit = const StoredHit&;

constexpr HitColumn kColumns[] = {
    {"n", false, [](Hit hit) { return std::to_string(hit.n); }},
    {"time", false, [](Hit hit) { return format_time(hit.record.time_ns); }},
    {"level", false, [](Hit hit) { return std::string(to_string(hit.record.rule->level)); }},
    {"rule", false, [](Hit hit) { return rule_text(*hit.record.rule); }},
    {"process", false, [](Hit hit) { return process_text(hit.record); }},
    {"user", false, [](Hit hit) { return user_text(hit.record); }},
    {"command_line", false, [](Hit hit) { return safe(hit.record.command_line); }},
    {"executable", false, [](Hit hit) { return safe(hit.record.executable); }},
    {"kind", false, [](Hit hit) { return safe(hit.record.kind); }},
    {"host", false, [](Hit hit) { return safe(hit.record.host); }},
    {"pid", false, [](Hit hit) { return safe(hit.record.pid); }},
    {"parent_pid", false, [](Hit hit) { return safe(hit.record.parent_pid); }},
    {"entity_id", false, [](Hit hit) { return safe(hit.record.entity_id); }},
    {"count", false, [](Hit hit) { return std::to_string(hit.record.count); }},
    {"first", false, [](Hit hit) { return format_time(hit.record.first_ns); }},
    {"last", false, [](Hit hit) { return format_time(hit.record.last_ns); }},
    {"response", false, [](Hit hit) { return safe(hit.record.response); }},
    {"outcome", false, [](Hit hit) { return safe(hit.record.response_outcome); }},
    {"acknowledged", false,
     [](Hit hit) { return hit.acknowledged_ns ? format_time(*hit.acknowledged_ns) : std::string(); }},
    {"note", false, [](Hit hit) { return safe(hit.note); }},
    {"id", false, [](Hit hit) { return to_string(hit.record.id); }},
    {"rule_id", false, [](Hit hit) { return safe(hit.record.rule->id); }},
    {"title", false, [](Hit hit) { return safe(hit.record.rule->title); }},
    {"tags", false, [](Hit hit) { return safe(hit.record.rule->tags); }},
    {"capture", true,
     [](Hit hit) {
       const HitRecord& record = hit.record;
       return record.capture_line == 0
                  ? std::string()
                  : safe(record.capture_file) + ":" + std::to_string(record.capture_line);
     }},
    {"event", true, [](Hit hit) { return safe(hit.record.event); }},
};

}  // namespace

std::span<const HitColumn> hit_columns() { return kColumns; }

Result<std::vector<const HitColumn*>> choose_columns(const std::vector<std::string>& wanted) {
  std::vector<const HitColumn*> chosen;
  for (const std::string& name : wanted) {
    const auto found = std::find_if(std::begin(kColumns), std::end(kColumns),
                                    [&name](const HitColumn& column) { return column.name == name; });
    if (found == std::end(kColumns)) {
      std::string list;
      for (const HitColumn& column : kColumns) list += (list.empty() ? "" : ", ") + std::string(column.name);
      return Error{Errc::kUsage, "--columns: there is no column " + quoted(name) + "; there are: " + list};
    }
    chosen.push_back(&*found);
  }
  return chosen;
}

std::string process_text(const HitRecord& record) {
  std::string text;
  if (record.parent_pid || !record.parent_name.empty()) {
    text = one_process(record.parent_name, record.parent_pid) + " > ";
  }
  if (!record.pid && record.name.empty() && text.empty()) return {};
  text += one_process(record.name, record.pid);
  if (record.target_pid || !record.target_name.empty()) {
    text += " -> " + one_process(record.target_name, record.target_pid);
  }
  return text;
}

std::string user_text(const HitRecord& record) {
  std::string text = safe(record.user_name.empty() ? record.user_id : record.user_name);
  const bool changed = !record.previous_user_id.empty() && !record.user_id.empty() &&
                       record.previous_user_id != record.user_id;
  return changed ? safe(record.previous_user_id) + " > " + text : text;
}

std::string command_text(const HitRecord& record) {
  const std::string text = safe(record.command_line.empty() ? record.executable : record.command_line);
  return record.kind == "exec" ? text : safe(record.kind) + ": " + text;
}

std::string rule_text(const RuleRecord& rule) {
  if (!rule.name.empty()) return safe(rule.name);
  return safe(rule.title.empty() ? rule.id : rule.title);
}

std::string_view short_name(Level level) {
  return level == Level::kInformational ? "info" : to_string(level);
}

std::string csv_field(std::string_view text) {
  // What begins a formula, the full-width forms that some spreadsheets take for it too, and a quote, so that
  // what begins with one of ours can be told from what did already.
  constexpr std::string_view kFormula[] = {"=",  "+",      "-",      "@",      "'",     "\t",
                                           "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
  const bool formula = std::any_of(std::begin(kFormula), std::end(kFormula),
                                   [text](std::string_view begin) { return text.starts_with(begin); });
  std::string field = formula ? "\"'" : "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field + '"';
}

}  // namespace detectd
