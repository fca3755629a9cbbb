#include "src/report/run_tables.h"

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "engine/escape.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

constexpr size_t kMaxNameColumns = 40;

std::string right(const std::string& text, size_t columns) {
  return std::string(columns - std::min(columns, text.size()), ' ') + text;
}

std::string quoted_json(std::string_view text) {
  std::string quoted = "\"";
  append_json_escaped(text, quoted);
  return quoted + '"';
}

// A name of several words is joined by underscores.
void append_member(std::string name, std::string_view json, std::string& out) {
  std::replace(name.begin(), name.end(), ' ', '_');
  if (!out.empty() && out.back() != '{') out += ',';
  out += quoted_json(name) + ':';
  out += json;
}

std::string fixed(double number, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

}  // namespace

std::string statistics_table(const StatisticsView& view) {
  std::string text = "\nevents of kind            number\n";
  for (const auto& [kind, number] : view.events_by_kind) {
    if (number != 0) text += "  " + fit(kind, 20) + right(with_separators(number), 10) + "\n";
  }
  int64_t total_ns = 0;
  for (const auto& [stage, time_ns] : view.nanoseconds_by_stage) total_ns += time_ns;
  text += "stage                    seconds   share\n";
  for (const auto& [stage, time_ns] : view.nanoseconds_by_stage) {
    const double share =
        total_ns == 0 ? 0 : 100.0 * static_cast<double>(time_ns) / static_cast<double>(total_ns);
    text += "  " + fit(stage, 20) + right(fixed(static_cast<double>(time_ns) / 1e9, 3), 10) +
            right(fixed(share, 0), 6) + " %\n";
  }
  const auto fact = [&text](std::string_view name, const std::string& value) {
    text += fit(name, 27) + value + "\n";
  };
  fact("events/s", view.events_per_second ? with_separators(*view.events_per_second) : "-");
  for (const auto& [name, value] : view.counts) fact(name, with_separators(value));
  fact("rules digest", "sha256:" + view.rules_digest);
  fact("hits digest", view.hits_digest ? "sha256:" + *view.hits_digest : "too many hits for one");
  return text;
}

std::string statistics_members(const StatisticsView& view) {
  std::string text = "\"type\":\"statistics\",\"events_by_kind\":{";
  for (const auto& [kind, number] : view.events_by_kind) {
    if (number != 0) append_member(kind, std::to_string(number), text);
  }
  text += "},\"seconds_by_stage\":{";
  for (const auto& [stage, time_ns] : view.nanoseconds_by_stage) {
    append_member(stage, fixed(static_cast<double>(time_ns) / 1e9, 3), text);
  }
  text += '}';
  append_member("events per second",
                view.events_per_second ? std::to_string(*view.events_per_second) : "null", text);
  for (const auto& [name, value] : view.counts) append_member(name, std::to_string(value), text);
  append_member("rules digest", quoted_json(view.rules_digest), text);
  append_member("hits digest", view.hits_digest ? quoted_json(*view.hits_digest) : "null", text);
  return text;
}

std::string profile_table(std::vector<ProfiledRule> rules, size_t rows) {
  std::sort(rules.begin(), rules.end(), [](const ProfiledRule& a, const ProfiledRule& b) {
    return std::tuple(-a.sampled_ns, a.name) < std::tuple(-b.sampled_ns, b.name);
  });
  size_t columns = 4;
  for (const ProfiledRule& rule : rules) {
    columns = std::max(columns, std::min(display_width(rule.name), kMaxNameColumns));
  }
  std::string text = "\n" + fit("rule", columns) + "        hits      events   ns/event\n";
  const size_t shown = std::min(rows, rules.size());
  for (size_t i = 0; i < shown; ++i) {
    const ProfiledRule& rule = rules[i];
    text += fit(rule.name, columns) + right(with_separators(rule.hits), 12) +
            right(with_separators(rule.events), 12) +
            right(rule.sampled_ns == 0 ? "-" : fixed(rule.sampled_ns, 0), 11) + "\n";
  }
  if (shown < rules.size()) {
    text += "and " + with_separators(rules.size() - shown) + " more that take less\n";
  }
  return text;
}

std::string profile_members(const ProfiledRule& rule) {
  std::string text = "\"type\":\"profile\"";
  append_member("rule", quoted_json(rule.name), text);
  append_member("hits", std::to_string(rule.hits), text);
  append_member("events", std::to_string(rule.events), text);
  append_member("ns per event", rule.sampled_ns == 0 ? "null" : fixed(rule.sampled_ns, 0), text);
  return text;
}

}  // namespace detectd
