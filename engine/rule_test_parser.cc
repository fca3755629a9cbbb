#include "engine/rule_test_parser.h"

#include <string>
#include <utility>

#include "engine/key_tables.h"
#include "engine/rule_parser.h"
#include "engine/rule_parts.h"
#include "engine/toml_json.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr size_t kMaxTestEvents = 10'000;

class TestParser {
 public:
  TestParser(Reporter& reporter, std::string_view kind)
      : reporter_(reporter), header_("[[" + std::string(kind) + ".test]]"), correlation_(kind != "rule") {}

  RuleTest parse(const TomlValue& table) {
    const Names keys =
        correlation_ ? Names(key_tables::kCorrelationTestKeys) : Names(key_tables::kRuleTestKeys);
    check_keys(reporter_, table, {.where = header_, .known = keys, .after = header_});
    RuleTest test;
    test.span = table.span;
    if (const auto* name = table.find("name")) {
      test.name = read_text(reporter_, *name).value_or("");
    } else {
      report_missing(reporter_, table.span, header_, "name", "a sentence: name = \"nginx runs sh\"");
    }
    if (const auto* match = table.find("match")) {
      test.match = read_boolean(reporter_, *match).value_or(false);
    } else {
      report_missing(reporter_, table.span, header_, "match",
                     "match = true, or false where the rule must stay silent");
    }
    correlation_ ? parse_events(table, test) : parse_event(table, test);
    return test;
  }

 private:
  void parse_event(const TomlValue& table, RuleTest& test) {
    const auto* event = table.find("event");
    if (event == nullptr)
      return report_missing(reporter_, table.span, header_, "event", "event.process.name = \"sh\"");
    if (const TomlValue* fields = read_table(reporter_, *event))
      test.event_json = event_json(reporter_, *fields);
  }

  void parse_events(const TomlValue& table, RuleTest& test) {
    const auto* events = table.find("events");
    if (events == nullptr) {
      return report_missing(reporter_, table.span, header_, "events",
                            "events = [{ at = \"0s\", process.name = \"curl\" }, { at = \"5s\", ... }]");
    }
    if (!is_table_list(*events)) {
      reporter_.error("D027", events->span, "`events` must be a list of tables",
                      "each event starts with [[correlation.test.events]], or is { at = \"5s\", ... }");
      return;
    }
    if (events->value.elements.size() > kMaxTestEvents) {
      reporter_.error("D014", events->span, "a test has at most 10,000 events");
      return;
    }
    int64_t before_ns = 0;
    for (const TomlValue& event : events->value.elements) {
      test.events.push_back(parse_timed_event(event, before_ns));
      before_ns = test.events.back().at_ns;
    }
  }

  // Without `at`: at the time of the event before it.
  TestEvent parse_timed_event(const TomlValue& table, int64_t before_ns) {
    TestEvent event{.at_ns = before_ns, .json = {}, .span = table.span};
    TomlValue fields = table;
    std::erase_if(fields.members, [](const TomlMember& member) { return member.key == "at"; });
    event.json = event_json(reporter_, fields);
    const TomlMember* at = table.find("at");
    if (at == nullptr) return event;
    const bool begin = at->value.is(Kind::kString) && at->value.text == "0s";
    event.at_ns = begin ? 0 : read_duration(reporter_, *at).value_or(before_ns);
    if (event.at_ns < before_ns) {
      reporter_.error("D021", at->value.span, "this event is earlier than the one before it",
                      "the events of a test stand in order of time");
      event.at_ns = before_ns;
    }
    return event;
  }

  Reporter& reporter_;
  std::string header_;
  bool correlation_;
};

}  // namespace

std::vector<RuleTest> parse_tests(Reporter& reporter, const TomlMember& member, std::string_view kind) {
  if (!is_table_list(member)) {
    reporter.error("D027", member.span, "`test` must be a list of tables",
                   "each test starts with [[" + std::string(kind) + ".test]]");
    return {};
  }
  std::vector<RuleTest> tests;
  TestParser parser(reporter, kind);
  for (const TomlValue& table : member.value.elements) tests.push_back(parser.parse(table));
  return tests;
}

}  // namespace detectd
