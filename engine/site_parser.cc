#include "engine/site_parser.h"

#include <array>
#include <string>
#include <utility>

#include "engine/detection_parser.h"
#include "engine/key_tables.h"
#include "engine/prose_parser.h"
#include "engine/rule_parts.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr std::array<std::string_view, 4> kRuleOverrides = {"enabled", "level", "response", "suppress"};
constexpr std::string_view kFilter = "[[filter]]";
constexpr std::string_view kOverride = "[[override]]";

void parse_filter_rules(Reporter& reporter, const TomlValue& table, Filter& filter) {
  const TomlMember* member = table.find("rules");
  if (member == nullptr) {
    report_missing(reporter, table.span, kFilter, "rules",
                   "the rules it is for: rules = [\"id or name\"], or \"any\"");
    return;
  }
  filter.any_rule = member->value.is(Kind::kString) && member->value.text == "any";
  if (!filter.any_rule) filter.rules = parse_references(reporter, *member);
}

RuleReference parse_reference(Reporter& reporter, const TomlMember& member) {
  return make_reference(read_text(reporter, member).value_or(""), member.value.span);
}

void parse_added_values(Reporter& reporter, const TomlMember& member, Override& parsed) {
  if (!member.value.is(Kind::kArray)) {
    reporter.error("D027", member.value.span,
                   "`add` is an array of values, not " + std::string(kind_name(member.value.kind)),
                   "add = [\"...\", \"...\"]");
    return;
  }
  for (const TomlValue& element : member.value.elements) {
    if (auto scalar = read_scalar(reporter, element, "a value of a list"))
      parsed.add.push_back(*std::move(scalar));
  }
}

void parse_list_override(Reporter& reporter, const TomlValue& table, Override& parsed) {
  parsed.list = parse_reference(reporter, *table.find("list"));
  if (const TomlMember* add = table.find("add")) {
    parse_added_values(reporter, *add, parsed);
  } else {
    report_missing(reporter, table.span, kOverride, "add", "what the list gets: add = [\"zsh\"]");
  }
  for (const std::string_view key : kRuleOverrides) {
    if (const TomlMember* member = table.find(key))
      reporter.error("D020", member->span, "a list has no `" + std::string(key) + "`",
                     "rules have: use an [[override]] with `rule`");
  }
}

void parse_rule_override(Reporter& reporter, const TomlValue& table, Override& parsed) {
  parsed.rule = parse_reference(reporter, *table.find("rule"));
  bool says_something = false;
  for (const std::string_view key : kRuleOverrides) says_something |= table.find(key) != nullptr;
  if (!says_something)
    reporter.error("D028", table.span, "[[override]] changes nothing",
                   "give it one of enabled, level, response and suppress");
  if (const TomlMember* add = table.find("add"))
    reporter.error("D020", add->span, "a rule has nothing to `add` to", "lists have: use `list`");
  if (const TomlMember* member = table.find("enabled")) parsed.enabled = read_boolean(reporter, *member);
  if (const TomlMember* member = table.find("level")) {
    if (const auto level = read_choice(reporter, *member, key_tables::kLevels))
      parsed.level = find_level(*level);
  }
  if (const TomlMember* member = table.find("response"))
    parsed.response = parse_response(reporter, *member, "override");
  if (const TomlMember* member = table.find("suppress"))
    parsed.suppress = parse_suppress(reporter, *member, "override");
}

}  // namespace

std::optional<Filter> parse_filter_table(Reporter& reporter, const TomlValue& table) {
  const size_t errors_before = reporter.errors();
  Filter filter;
  filter.file = reporter.file();
  filter.span = table.span;
  check_keys(reporter, table, {.where = kFilter, .known = key_tables::kFilterKeys});
  if (const auto* member = table.find("id")) filter.id = parse_id(reporter, *member);
  if (const auto* member = table.find("name")) filter.name = parse_name(reporter, *member);
  if (const auto* member = table.find("title")) filter.title = read_text(reporter, *member).value_or("");
  if (const auto* member = table.find("description"))
    filter.description = read_text(reporter, *member).value_or("");
  if (const auto* member = table.find("status")) read_text(reporter, *member);
  filter.prose = parse_prose(reporter, table);
  parse_filter_rules(reporter, table, filter);
  if (const auto* member = table.find("logsource"))
    filter.logsource = parse_logsource(reporter, *member, "filter");
  if (const auto* member = table.find("taxonomy")) filter.sigma_taxonomy = parse_taxonomy(reporter, *member);
  if (const auto* member = table.find("detection")) {
    if (auto detection = parse_detection(reporter, *member)) filter.detection = *std::move(detection);
  } else {
    report_missing(reporter, table.span, kFilter, "detection",
                   "[filter.detection] holds selections and a condition, as \"not selection\"");
  }
  if (reporter.errors() != errors_before) return std::nullopt;
  return filter;
}

std::optional<Override> parse_override_table(Reporter& reporter, const TomlValue& table) {
  const size_t errors_before = reporter.errors();
  Override parsed;
  parsed.file = reporter.file();
  parsed.span = table.span;
  check_keys(reporter, table, {.where = kOverride, .known = key_tables::kOverrideKeys});
  for (const TomlMember& member : table.members) parsed.keys.emplace(member.key, member.span);
  const bool rule = table.find("rule") != nullptr;
  const bool list = table.find("list") != nullptr;
  if (rule == list) {
    reporter.error("D028", table.span,
                   rule ? "[[override]] has `rule` and `list`" : "[[override]] has neither `rule` nor `list`",
                   "name the one that it changes");
    return std::nullopt;
  }
  rule ? parse_rule_override(reporter, table, parsed) : parse_list_override(reporter, table, parsed);
  if (reporter.errors() != errors_before) return std::nullopt;
  return parsed;
}

}  // namespace detectd
