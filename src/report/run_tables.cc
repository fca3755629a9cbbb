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
  for (const auto& [name, value] : view.facts) text += fit(name, 22) + value + "\n";
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

}  // namespace detectd
