// detectctl rules list: the rules of a rule set in a line each.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/rule_loading.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

struct ListOptions {
  bool inactive = false;
  bool json = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "inactive",
     .help = "only those that are checked but not run, and why",
     .manual =
         "Only rules that are checked but not run, and why: no source feeds their events, or knows a field "
         "that they name, or their status says so.\n",
     .apply = enable<&ListOptions::inactive>},
    {.group = kGroup,
     .name = "json",
     .help = "a JSON object a rule",
     .manual = "Print each rule as a JSON object on a line of its own.\n",
     .apply = enable<&ListOptions::json>},
};

struct Row {
  const Rule* rule;
  std::string reason;  // why it is not run; empty: it is
};

std::vector<Row> rows_of(const RuleSet& set, const ListOptions& options) {
  std::vector<Row> rows;
  if (!options.inactive) {
    for (const CompiledRule& compiled : set.rules()) rows.push_back({compiled.rule.get(), {}});
    for (const CompiledCorrelation& compiled : set.correlations()) rows.push_back({compiled.rule.get(), {}});
  }
  for (const InactiveRule& inactive : set.inactive()) rows.push_back({inactive.rule.get(), inactive.reason});
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return std::pair(rule_text(*a.rule), a.rule->id) < std::pair(rule_text(*b.rule), b.rule->id);
  });
  return rows;
}

std::string json_line(const Row& row) {
  const Rule& rule = *row.rule;
  JsonWriter json;
  json.begin_object();
  json.member("id", rule.id);
  if (!rule.name.empty()) json.member("name", rule.name);
  json.member("title", rule.title);
  json.member("level", to_string(rule.level));
  json.member("status", to_string(rule.status));
  if (rule.response) json.member("response", to_string(rule.response->action));
  json.key("tags");
  json.begin_array();
  for (const std::string& tag : rule.tags) json.string(tag);
  json.end_array();
  json.member("file", rule.file->path);
  json.member_number("line", rule.span.line);
  json.member_boolean("active", row.reason.empty());
  if (!row.reason.empty()) json.member("reason", row.reason);
  json.end_object();
  return json.text() + '\n';
}

std::string text_of(const std::vector<Row>& rows) {
  constexpr size_t kLevelColumns = 13;
  constexpr size_t kMaxNameColumns = 50;
  size_t name_columns = 0;
  for (const Row& row : rows) {
    name_columns = std::max(name_columns, std::min(display_width(rule_text(*row.rule)), kMaxNameColumns));
  }
  std::string text;
  for (const Row& row : rows) {
    const std::string title = row.rule->name.empty() ? "" : escape_text(row.rule->title);
    std::string line = fit(to_string(row.rule->level), kLevelColumns) + "  " +
                       fit(rule_text(*row.rule), name_columns) + "  " +
                       (row.reason.empty() ? title : "inactive: " + escape_text(row.reason));
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

ExitStatus list(const ListOptions& options, Call& call) {
  const auto loaded = load_good_rules(call);
  if (!loaded) return exit_status_of(loaded.error());
  const auto rows = rows_of(*loaded->set, options);
  if (options.json) {
    for (const Row& row : rows) call.output.write(json_line(row));
  } else {
    call.output.write(text_of(rows));
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kRulesListCommand = {
    .name = "rules list",
    .arguments = "[PATH...]",
    .summary = "the rules, in a line each",
    .manual =
        "Print each rule with its level and title.\n"
        "Without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n",
    .options = kTable,
    .run = run_command<ListOptions, list>,
};

}  // namespace detectd
