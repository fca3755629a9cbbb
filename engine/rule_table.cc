#include "engine/rule_table.h"

#include <utility>

#include "engine/detection_parser.h"
#include "engine/rule_parts.h"
#include "engine/rule_test_parser.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr std::string_view kHeader = "[[rule]]";

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kOther); ++i)
    names.push_back(to_string(static_cast<EventKind>(i)));
  return names;
}

class RuleParser {
 public:
  explicit RuleParser(Reporter& reporter) : reporter_(reporter) {}

  // Nothing where the rule has a mistake.
  std::optional<Rule> parse(const TomlValue& table) {
    const size_t errors_before = reporter_.errors();
    rule_.file = reporter_.file();
    rule_.span = table.span;
    check_keys(reporter_, table, {.where = kHeader, .known = rule_keys()});
    for (const TomlMember& member : table.members) rule_.keys.emplace(member.key, member.span);
    parse_heading(reporter_, table, kHeader, rule_);
    parse_source(table);
    if (const auto* member = table.find("response"))
      rule_.response = parse_response(reporter_, *member, "rule");
    if (const auto* member = table.find("suppress"))
      rule_.suppress = parse_suppress(reporter_, *member, "rule");
    if (const auto* member = table.find("detection")) {
      if (auto detection = parse_detection(reporter_, *member)) rule_.detection = *std::move(detection);
    } else {
      report_missing(reporter_, rule_.span, kHeader, "detection",
                     "[rule.detection] holds selections and their condition");
    }
    if (const auto* member = table.find("test")) rule_.tests = parse_tests(reporter_, *member, "rule");
    if (reporter_.errors() != errors_before) return std::nullopt;
    return std::move(rule_);
  }

 private:
  void parse_source(const TomlValue& table) {
    const TomlMember* on = table.find("on");
    const TomlMember* logsource = table.find("logsource");
    if (on != nullptr && logsource != nullptr) {
      reporter_.error("D020", logsource->span, "a rule has `on` or a logsource, not both",
                      "imported rules have a logsource; leave out one of the two",
                      {{reporter_.file(), on->span, "`on` stands"}});
    } else if (on == nullptr && logsource == nullptr) {
      report_missing(reporter_, rule_.span, kHeader, "on", "the kind of event it looks at: on = \"exec\"");
    }
    if (on != nullptr) parse_on(*on);
    if (logsource != nullptr) rule_.logsource = parse_logsource(reporter_, *logsource, "rule");
    if (const auto* member = table.find("taxonomy"))
      rule_.sigma_taxonomy = parse_taxonomy(reporter_, *member);
  }

  void parse_on(const TomlMember& member) {
    const auto names = read_texts(reporter_, member);
    if (!names) return;
    if (names->empty())
      reporter_.error("D021", member.value.span, "`on` is an empty list",
                      "a rule that looks at no event never matches");
    for (size_t i = 0; i < names->size(); ++i) {
      const auto kind = find_event_kind((*names)[i]);
      const Span span = member.value.is(Kind::kArray) ? member.value.elements[i].span : member.value.span;
      if (kind) {
        rule_.on.add(*kind);
      } else {
        report_choice(reporter_, "a kind of event", (*names)[i], span, kind_names());
      }
    }
  }

  Reporter& reporter_;
  Rule rule_;
};

}  // namespace

std::optional<Rule> parse_rule_table(Reporter& reporter, const TomlValue& table) {
  return RuleParser(reporter).parse(table);
}

}  // namespace detectd
