// detectctl rules show: a rule as it takes effect, and where every value of it comes from.
#include <algorithm>
#include <string>
#include <vector>

#include "engine/escape.h"
#include "engine/rule_writer.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/rule_loading.h"
#include "src/rule_selection.h"

namespace detectd {
namespace {

struct ShowOptions {};

constexpr size_t kOriginColumn = 60;

std::string place_of(const SourcePtr& file, const Span& span) {
  return escape_text(file->path) + ":" + std::to_string(span.line);
}

std::string with_origin(std::string_view line, const std::string& origin) {
  std::string text(line);
  text.append(text.size() < kOriginColumn ? kOriginColumn - text.size() : 1, ' ');
  return text + " # " + origin + "\n";
}

std::string origin_of_key(const Rule& rule, const std::string& key) {
  if (!rule.keys.contains(key) && !rule.overridden.contains(key)) return "default";
  const Place place = rule.origin(key);
  return place_of(place.file, place.span);
}

// `shell."process.name" = ...`, `condition = ...`, `[[rule.detection.shell]]`: where it was written.
std::string origin_in_detection(std::string_view line, const Detection& detection, const SourcePtr& file) {
  const size_t header = line.find(".detection.");
  if (line.starts_with("[[") && header != std::string_view::npos) {
    line.remove_prefix(header + std::string_view(".detection.").size());
  }
  const std::string_view name = line.substr(0, line.find_first_of(". ]"));
  for (const Selection& selection : detection.selections) {
    if (selection.name == name) return place_of(file, selection.span);
  }
  if (name == "condition" && !detection.conditions.empty()) {
    return place_of(file, detection.conditions.front().span);
  }
  return {};
}

// Calls `write(line)` for each.
template <class Write>
void for_each_line(std::string_view text, Write write) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    write(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string annotated_detection(const Detection& detection, std::string_view table, const SourcePtr& file) {
  std::string out;
  for_each_line(write_detection(detection, table), [&](std::string_view line) {
    const std::string origin = origin_in_detection(line, detection, file);
    out += origin.empty() ? std::string(line) + "\n" : with_origin(line, origin);
  });
  return out;
}

std::string annotated_keys(const Rule& rule) {
  Rule bare = rule;  // what decides, without prose, custom tables and tests
  bare.description.clear();
  bare.prose = {};
  bare.tests.clear();
  std::string out;
  bool in_keys = true;
  for_each_line(write_rule(bare), [&](std::string_view line) {
    if (line.empty()) in_keys = false;
    if (!in_keys) return;
    const size_t equals = line.find(" = ");
    out += equals == std::string_view::npos
               ? std::string(line) + "\n"
               : with_origin(line, origin_of_key(rule, std::string(line.substr(0, equals))));
  });
  return out;
}

bool expands(const Detection& detection, const std::string& list) {
  const std::string placeholder = "%" + list + "%";
  for (const Selection& selection : detection.selections) {
    for (const auto& items : selection.alternatives) {
      for (const Item& item : items) {
        for (const Scalar& value : item.values) {
          if (value.text() != nullptr && value.text()->find(placeholder) != std::string::npos) return true;
        }
      }
    }
  }
  return false;
}

std::string lists_of(const Rule& rule, const RuleDocument& document) {
  std::string out;
  for (const auto& [name, list] : document.lists) {
    if (!expands(rule.detection, name)) continue;
    std::string origin = place_of(list.file, list.span);
    for (const auto& addition : list.additions) {
      origin += ", " + place_of(addition.place.file, addition.place.span);
    }
    for_each_line(write_lists({{name, list}}), [&](std::string_view line) {
      if (line == "[lists]") return;
      out +=
          line.find(" = ") == std::string_view::npos ? std::string(line) + "\n" : with_origin(line, origin);
    });
  }
  return out.empty() ? out : "\n[lists]\n" + out;
}

std::string state_of(const Rule& rule, const RuleSet& set) {
  for (const InactiveRule& inactive : set.inactive()) {
    if (inactive.rule->id == rule.id) return "inactive: " + escape_text(inactive.reason);
  }
  return "active";
}

std::string page_of(const Rule& rule, const GoodRules& rules) {
  std::string page = "# " + state_of(rule, *rules.set) + "\n" + annotated_keys(rule);
  if (rule.overridden.contains("enabled")) {
    page += with_origin(rule.enabled ? "enabled = true" : "enabled = false", origin_of_key(rule, "enabled"));
  }
  if (!rule.correlation) page += "\n" + annotated_detection(rule.detection, "rule.detection", rule.file);
  for (const auto& filter : rule.filters) {
    page += "\n" + with_origin("[[filter]]", place_of(filter->file, filter->span)) +
            annotated_detection(filter->detection, "filter.detection", filter->file);
  }
  return page + lists_of(rule, rules.document);
}

ExitStatus show(const ShowOptions&, Call& call) {
  if (call.arguments.empty()) return fail_usage(call, "which rule? give its id or name");
  const std::string name = call.arguments.front();
  call.arguments.erase(call.arguments.begin());
  const auto rules = load_good_rules(call);
  if (!rules) return exit_status_of(rules.error());
  const auto rule = find_rule(name, rules->document);
  if (!rule) return fail(rule.error());
  call.output.write(page_of(**rule, *rules));
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kRulesShowCommand = {
    .name = "rules show",
    .arguments = "RULE [PATH...]",
    .summary = "a rule as it takes effect, with its origins",
    .manual =
        "Print a rule, given by its id or name, as it takes effect: with what overrides changed, the filters "
        "that except from it, and the lists that it expands.\n"
        "Behind every value stands where it was written.\n"
        "Without a\n"
        ".Ar PATH\n"
        "it is looked for among the shipped rules and those of the site.\n",
    .run = run_command<ShowOptions, show>,
};

}  // namespace detectd
