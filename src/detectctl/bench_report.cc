#include "src/detectctl/bench_report.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "src/report/hit_view.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxNameColumns = 40;

std::string right(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

std::string fixed(double number, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

std::string microseconds(int64_t time_ns) { return fixed(static_cast<double>(time_ns) / 1000, 1) + " us"; }

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void sort_by_cost(std::vector<BenchedRule>& rules) {
  std::sort(rules.begin(), rules.end(), [](const BenchedRule& a, const BenchedRule& b) {
    return std::tuple(-a.cost.ns, a.name) < std::tuple(-b.cost.ns, b.name);
  });
}

std::string key_of(const BenchedRule& rule) {
  if (!rule.key.empty()) return rule.key;
  return rule.cost.always_asked ? "none: always asked" : "none: never holds";
}

std::string row(const BenchedRule& rule, size_t columns) {
  const RuleCost& cost = rule.cost;
  return fit(rule.name, columns) + right(cost.ns == 0 ? "-" : fixed(cost.ns, 0), 10) +
         right(cost.events == 0 ? "-" : fixed(percent(cost.asked, cost.events), 1) + " %", 9) +
         right(with_separators(cost.held), 10) + "  " + key_of(rule) + "\n";
}

std::string match_text(const BenchView& view) {
  const MatchCost& cost = view.match;
  const std::string what = plural(cost.events, view.hostile ? "hostile event" : "event");
  if (cost.events == 0) return what + "\n";
  return what + ", all rules on each: mean " + microseconds(static_cast<int64_t>(cost.mean_ns)) + ", p50 " +
         microseconds(cost.p50_ns) + ", p99 " + microseconds(cost.p99_ns) + ", p99.9 " +
         microseconds(cost.p999_ns) + ", max " + microseconds(cost.max_ns) + "\n";
}

// `rules` are sorted by cost.
std::string dear_text(const std::vector<BenchedRule>& rules, size_t rows) {
  std::string text;
  size_t dear = 0;
  for (const BenchedRule& rule : rules) {
    if (rule.cost.ns <= kDearRuleNs) break;
    if (dear++ >= rows) continue;
    text += "dear: " + rule.name + " takes " + microseconds(static_cast<int64_t>(rule.cost.ns)) +
            " an event, more than " + microseconds(static_cast<int64_t>(kDearRuleNs)) + "\n";
  }
  if (dear > rows) text += "dear: " + with_separators(dear - rows) + " more\n";
  return text;
}

}  // namespace

std::string bench_table(BenchView view, size_t rows) {
  sort_by_cost(view.rules);
  size_t columns = 4;
  size_t always_asked = 0;
  for (const BenchedRule& rule : view.rules) {
    columns = std::max(columns, std::min(display_width(rule.name), kMaxNameColumns));
    always_asked += rule.cost.always_asked ? 1 : 0;
  }
  std::string text =
      fit("rule", columns) + right("ns/event", 10) + right("asked", 9) + right("held", 10) + "  key\n";
  const size_t shown = std::min(rows, view.rules.size());
  for (size_t i = 0; i < shown; ++i) text += row(view.rules[i], columns);
  if (shown < view.rules.size()) {
    text += "and " + with_separators(view.rules.size() - shown) + " more that take less\n";
  }
  return text + plural(view.rules.size(), "rule") + ", " + with_separators(always_asked) + " always asked\n" +
         match_text(view) + dear_text(view.rules, rows);
}

std::string bench_json(BenchView view) {
  sort_by_cost(view.rules);
  std::string text;
  for (const BenchedRule& rule : view.rules) {
    JsonWriter json;
    json.begin_object();
    json.member("type", "rule");
    json.member("rule", rule.name);
    json.key("ns_per_event");
    json.raw(rule.cost.ns == 0 ? "null" : fixed(rule.cost.ns, 0));
    json.member_number("events", static_cast<int64_t>(rule.cost.events));
    json.member_number("asked", static_cast<int64_t>(rule.cost.asked));
    json.member_number("held", static_cast<int64_t>(rule.cost.held));
    json.key("key");
    if (rule.key.empty()) {
      json.raw("null");
    } else {
      json.string(rule.key);
    }
    json.member_boolean("always_asked", rule.cost.always_asked);
    json.member_boolean("dear", rule.cost.ns > kDearRuleNs);
    json.end_object();
    text += json.text() + "\n";
  }
  JsonWriter json;
  json.begin_object();
  json.member("type", "summary");
  json.member_boolean("hostile", view.hostile);
  json.member_number("rules", static_cast<int64_t>(view.rules.size()));
  json.member_number("events", static_cast<int64_t>(view.match.events));
  json.member_number("mean_ns", static_cast<int64_t>(view.match.mean_ns));
  json.member_number("p50_ns", view.match.p50_ns);
  json.member_number("p99_ns", view.match.p99_ns);
  json.member_number("p99_9_ns", view.match.p999_ns);
  json.member_number("max_ns", view.match.max_ns);
  json.end_object();
  return text + json.text() + "\n";
}

}  // namespace detectd
