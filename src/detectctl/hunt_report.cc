#include "src/detectctl/hunt_report.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kJsonRows = 100;

std::string right(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

std::string_view past_of(ResponseAction action) {
  switch (action) {
    case ResponseAction::kStop: return "stopped";
    case ResponseAction::kDeny: return "denied";
    default: return "killed";
  }
}

std::string line(std::string_view name, const std::string& text) {
  return "  " + fit(name, 16) + "  " + text + "\n";
}

std::string refused_text(const HuntedRule& rule) {
  const auto part = [&rule](HuntOutcome outcome, std::string_view what) {
    return with_separators(rule.count(outcome)) + " " + std::string(what);
  };
  std::string text =
      part(HuntOutcome::kProtected, "protected") + ", " + part(HuntOutcome::kOverBudget, "over the budget");
  if (rule.count(HuntOutcome::kNoProcess) != 0) {
    text += ", " + part(HuntOutcome::kNoProcess, "of an unknown process");
  }
  return text;
}

std::string ended_text(const HuntedRule& rule) {
  const uint64_t ended = rule.count(HuntOutcome::kEnded);
  if (rule.action == ResponseAction::kDeny) return plural(ended, "exec");
  std::string text = with_separators(ended) + (ended == 1 ? " process" : " processes");
  if (rule.action == ResponseAction::kKillTree) {
    text += ", and " + with_separators(rule.descendants) +
            (rule.descendants == 1 ? " descendant" : " descendants") + " that ran";
  }
  return text;
}

std::string head_of(const HuntedRule& rule) {
  std::string text = rule_text(*rule.rule) + " (" + std::string(to_string(rule.rule->level)) + ", " +
                     std::string(to_string(rule.action)) + ")\n";
  if (rule.hits() == 0) return text + line("hits", "none");
  const size_t days = rule.days.size();
  text += line("hits", with_separators(rule.hits()) + " on " + plural(days, "day") + ", " +
                           format_time(rule.first_ns, 0) + " to " + format_time(rule.last_ns, 0));
  if (rule.action == ResponseAction::kAlert) return text;
  text += line("would be " + std::string(past_of(rule.action)), ended_text(rule));
  text += line("refused", refused_text(rule));
  if (rule.count(HuntOutcome::kGone) != 0) {
    text += line("gone by then",
                 with_separators(rule.count(HuntOutcome::kGone)) + ", with what was ended before");
  }
  return text;
}

class Table {
 public:
  Table(const HuntedRule& rule, const HuntView& view) : rule_(rule), view_(view) {}

  std::string of(std::string_view what, const HuntCounts& counts, const std::vector<HuntCounts::Row>& rows,
                 bool with_ended = true) const {
    if (rows.empty()) return {};
    const bool ends = with_ended && rule_.action != ResponseAction::kAlert;
    std::string text = "\n  " + right("hits", kCount);
    if (ends) text += "  " + right(std::string(past_of(rule_.action)), kCount);
    text += "  " + std::string(what) + "\n";
    HuntCount left = counts.others();
    for (const auto& [name, count] : counts.by_name()) {
      left.hits += count.hits;
      left.ended += count.ended;
    }
    for (const auto& [name, count] : rows) {
      text += row(count, ends) + "  " + cut(escape_text(name), name_columns(ends)) + "\n";
      left.hits -= count.hits;
      left.ended -= count.ended;
    }
    if (left.hits != 0) text += row(left, ends) + "  (others)\n";
    return text;
  }

  std::string top(std::string_view what, const HuntCounts& counts, bool with_ended = true) const {
    return of(what, counts, counts.top(view_.rows), with_ended);
  }

 private:
  static constexpr size_t kCount = 8;

  std::string row(const HuntCount& count, bool ends) const {
    std::string text = "  " + right(with_separators(count.hits), kCount);
    if (ends) text += "  " + right(with_separators(count.ended), kCount);
    return text;
  }
  size_t name_columns(bool ends) const {
    const size_t used = 2 + kCount + (ends ? kCount + 2 : 0) + 2;
    if (view_.terminal.columns == 0) return std::string::npos / 2;
    return std::max<size_t>(view_.terminal.columns, used + 8) - used;
  }

  const HuntedRule& rule_;
  const HuntView& view_;
};

void write_counts(JsonWriter& json, std::string_view name, const std::vector<HuntCounts::Row>& rows) {
  json.key(name);
  json.begin_array();
  for (const auto& [what, count] : rows) {
    json.begin_object();
    json.member("name", what);
    json.member_number("hits", static_cast<int64_t>(count.hits));
    json.member_number("ended", static_cast<int64_t>(count.ended));
    json.end_object();
  }
  json.end_array();
}

void write_rule(JsonWriter& json, const Rule& rule) {
  json.key("rule");
  json.begin_object();
  json.member("id", rule.id);
  json.member("name", rule.name);
  json.member("title", rule.title);
  json.member("level", to_string(rule.level));
  json.end_object();
}

}  // namespace

std::string hunt_text(const HuntedRule& rule, const HuntView& view) {
  const Table table(rule, view);
  return head_of(rule) + table.of("day", rule.days, rule.days.by_name()) + table.top("user", rule.users) +
         table.top("program", rule.programs) + table.top("parent", rule.parents) +
         table.top("command line", rule.commands) + table.top("refused for", rule.refusals, false);
}

std::string hunt_json(const HuntedRule& rule) {
  const auto number = [&rule](HuntOutcome outcome) { return static_cast<int64_t>(rule.count(outcome)); };
  JsonWriter json;
  json.begin_object();
  json.member("type", "hunt");
  write_rule(json, *rule.rule);
  json.member("action", to_string(rule.action));
  json.member_number("hits", static_cast<int64_t>(rule.hits()));
  if (rule.hits() != 0) {
    json.member("first", format_rfc3339(rule.first_ns));
    json.member("last", format_rfc3339(rule.last_ns));
  }
  if (rule.action != ResponseAction::kAlert) {
    json.member_number("ended", number(HuntOutcome::kEnded));
    json.member_number("descendants", static_cast<int64_t>(rule.descendants));
    json.member_number("gone", number(HuntOutcome::kGone));
    json.key("refused");
    json.begin_object();
    json.member_number("protected", number(HuntOutcome::kProtected));
    json.member_number("budget", number(HuntOutcome::kOverBudget));
    json.member_number("unknown", number(HuntOutcome::kNoProcess));
    json.end_object();
  }
  write_counts(json, "days", rule.days.by_name());
  write_counts(json, "users", rule.users.top(kJsonRows));
  write_counts(json, "programs", rule.programs.top(kJsonRows));
  write_counts(json, "parents", rule.parents.top(kJsonRows));
  write_counts(json, "command_lines", rule.commands.top(kJsonRows));
  write_counts(json, "refusals", rule.refusals.top(kJsonRows));
  json.end_object();
  return json.text() + "\n";
}

}  // namespace detectd
