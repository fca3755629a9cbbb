#include "engine/rule_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "engine/attack_ids.h"
#include "engine/detection_parser.h"
#include "engine/prose_parser.h"
#include "engine/toml_json.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;

constexpr std::array<std::string_view, 4> kLogsourceKeys = {"category", "product", "service", "definition"};
constexpr std::array<std::string_view, 3> kTestKeys = {"name", "match", "event"};
constexpr std::array<std::string_view, 3> kResponseKeys = {"action", "target", "fallback"};
constexpr std::array<std::string_view, 2> kSuppressKeys = {"by", "for"};
constexpr std::array<std::string_view, 5> kLevels = {"informational", "low", "medium", "high", "critical"};
constexpr std::array<std::string_view, 5> kStatuses = {"stable", "test", "experimental", "deprecated",
                                                       "unsupported"};
constexpr std::array<std::string_view, 5> kActions = {"alert", "kill", "kill_tree", "stop", "deny"};
constexpr std::array<std::string_view, 2> kFallbacks = {"alert", "kill"};
constexpr std::array<std::string_view, 2> kTargets = {"process", "parent"};
constexpr std::array<std::string_view, 1> kTaxonomies = {"sigma"};

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = std::string_view("0123456789abcdefABCDEF").find(text[i]) != std::string_view::npos;
    if (dash ? text[i] != '-' : !hex) return false;
  }
  return true;
}

bool is_name(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") == std::string_view::npos;
}

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
    check_keys(reporter_, table, {.where = "[[rule]]", .known = rule_keys()});
    for (const TomlMember& member : table.members) rule_.keys.emplace(member.key, member.span);
    parse_identity(table);
    parse_prose(table);
    parse_source(table);
    if (const auto* member = table.find("tags")) parse_tags(*member);
    if (const auto* member = table.find("response")) parse_response(*member);
    if (const auto* member = table.find("suppress")) parse_suppress(*member);
    if (const auto* member = table.find("detection")) {
      if (auto detection = parse_detection(reporter_, *member)) rule_.detection = *std::move(detection);
    } else {
      missing("detection", "[rule.detection] holds selections and their condition");
    }
    if (const auto* member = table.find("test")) parse_tests(*member);
    if (reporter_.errors() != errors_before) return std::nullopt;
    return std::move(rule_);
  }

 private:
  void missing(const std::string& key, std::string help) {
    reporter_.error("D028", rule_.span, "[[rule]] has no `" + key + "`", std::move(help));
  }

  void parse_identity(const TomlValue& table) {
    if (const auto* member = table.find("id")) {
      rule_.id = lower_case(read_text(reporter_, *member).value_or(""));
      const bool text = member->value.is(Kind::kString);
      if (text && !is_uuid(rule_.id))
        reporter_.error("D021", member->value.span, "`id` is not a UUID",
                        "`uuidgen` makes one: \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\"");
    } else {
      missing("id", "`uuidgen` makes one: id = \"3f1e0a52-6b1e-4f0a-9d5e-0a7f7f0c9b11\"");
    }
    if (const auto* member = table.find("name")) {
      rule_.name = read_text(reporter_, *member).value_or("");
      const bool text = member->value.is(Kind::kString);
      if (text && !is_name(rule_.name))
        reporter_.error("D021", member->value.span, "`name` is made of a-z, 0-9, `_` and `-`",
                        "`title` is for people");
    }
    if (const auto* member = table.find("title")) {
      rule_.title = read_text(reporter_, *member).value_or("");
      if (member->value.is(Kind::kString) && rule_.title.empty())
        reporter_.error("D021", member->value.span, "`title` is empty");
    } else {
      missing("title", "one line that says what has happened: title = \"Web server starts a shell\"");
    }
    if (const auto* member = table.find("level")) {
      if (const auto level = read_choice(reporter_, *member, kLevels)) rule_.level = *find_level(*level);
    } else {
      missing("level", "informational, low, medium, high or critical");
    }
    if (const auto* member = table.find("status")) {
      if (const auto status = read_choice(reporter_, *member, kStatuses))
        rule_.status = *find_rule_status(*status);
    }
  }

  void parse_prose(const TomlValue& table) {
    if (const auto* member = table.find("description"))
      rule_.description = read_text(reporter_, *member).value_or("");
    rule_.prose = detectd::parse_prose(reporter_, table);
  }

  void parse_source(const TomlValue& table) {
    const TomlMember* on = table.find("on");
    const TomlMember* logsource = table.find("logsource");
    if (on != nullptr && logsource != nullptr) {
      reporter_.error("D020", logsource->span, "a rule has `on` or a logsource, not both",
                      "imported rules have a logsource; leave out one of the two",
                      {{reporter_.file(), on->span, "`on` stands"}});
    } else if (on == nullptr && logsource == nullptr) {
      missing("on", "the kind of event it looks at: on = \"exec\"");
    }
    if (on != nullptr) parse_on(*on);
    if (logsource != nullptr) parse_logsource(*logsource);
    if (const auto* member = table.find("taxonomy"))
      rule_.sigma_taxonomy = read_choice(reporter_, *member, kTaxonomies).has_value();
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

  void parse_logsource(const TomlMember& member) {
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    check_keys(reporter_, *table,
               {.where = "[rule.logsource]", .known = kLogsourceKeys, .after = "[rule.logsource]"});
    Logsource logsource;
    logsource.span = member.span;
    const auto read = [&](std::string_view key) {
      const TomlMember* child = table->find(key);
      return child == nullptr ? std::string() : read_text(reporter_, *child).value_or("");
    };
    logsource.category = read("category");
    logsource.product = read("product");
    logsource.service = read("service");
    logsource.definition = read("definition");
    const bool named = table->find("category") != nullptr || table->find("product") != nullptr ||
                       table->find("service") != nullptr;
    if (!named) reporter_.error("D028", member.span, "the logsource names no category, product or service");
    rule_.logsource = std::move(logsource);
  }

  void parse_tags(const TomlMember& member) {
    auto tags = read_texts(reporter_, member);
    if (!tags) return;
    for (size_t i = 0; i < tags->size(); ++i) {
      const Span span = member.value.is(Kind::kArray) ? member.value.elements[i].span : member.value.span;
      check_tag((*tags)[i], span);
    }
    rule_.tags = *std::move(tags);
  }

  void check_tag(const std::string& tag, Span span) {
    constexpr std::string_view kPrefix = "attack.";
    if (lower_case(tag.substr(0, kPrefix.size())) != kPrefix) return;
    const std::string name = tag.substr(kPrefix.size());
    const Span inside = span_inside(*reporter_.file(), span, kPrefix.size(), name.size());
    const std::string list = " in the bundled list of ATT&CK " + std::string(kAttackVersion);
    const AttackTag kind = classify_attack_tag(name);
    if (kind == AttackTag::kUnknownTechnique)
      reporter_.warning("D060", inside, "unknown technique `" + name + "`" + list);
    if (kind == AttackTag::kUnknownTactic) {
      const auto tactics = attack_tactics();
      reporter_.warning("D060", inside, "unknown tactic `" + name + "`" + list,
                        did_you_mean(name, {tactics.begin(), tactics.end()}));
    }
  }

  void parse_response(const TomlMember& member) {
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    check_keys(reporter_, *table,
               {.where = "`response`", .known = kResponseKeys, .after = "[rule.response]"});
    Response response;
    response.span = member.span;
    if (const auto* action = table->find("action")) {
      if (const auto name = read_choice(reporter_, *action, kActions))
        response.action = *find_response_action(*name);
    } else {
      reporter_.error("D028", member.span, "`response` has no `action`", "response = { action = \"kill\" }");
    }
    if (const auto* target = table->find("target"))
      response.target = read_choice(reporter_, *target, kTargets).value_or("process");
    if (const auto* fallback = table->find("fallback")) {
      if (const auto name = read_choice(reporter_, *fallback, kFallbacks))
        response.fallback = find_response_action(*name);
      if (response.action != ResponseAction::kDeny)
        reporter_.error("D020", fallback->span, "only `deny` has a fallback");
    }
    rule_.response = std::move(response);
  }

  void parse_suppress(const TomlMember& member) {
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    check_keys(reporter_, *table,
               {.where = "`suppress`", .known = kSuppressKeys, .after = "[rule.suppress]"});
    Suppress suppress;
    suppress.span = member.span;
    if (const auto* by = table->find("by"))
      suppress.by = read_texts(reporter_, *by).value_or(std::vector<std::string>());
    if (const auto* duration = table->find("for")) {
      suppress.for_ns = read_duration(reporter_, *duration).value_or(0);
    } else {
      reporter_.error("D028", member.span, "`suppress` has no `for`",
                      "suppress = { by = [\"process.parent.entity_id\"], for = \"10m\" }");
    }
    rule_.suppress = std::move(suppress);
  }

  void parse_tests(const TomlMember& member) {
    const bool tables = member.value.is(Kind::kArray) &&
                        std::all_of(member.value.elements.begin(), member.value.elements.end(),
                                    [](const TomlValue& v) { return v.is(Kind::kTable); });
    if (!tables) {
      reporter_.error("D027", member.span, "`test` must be a list of tables",
                      "each test starts with [[rule.test]]");
      return;
    }
    for (const TomlValue& table : member.value.elements) parse_test(table);
  }

  void parse_test(const TomlValue& table) {
    check_keys(reporter_, table, {.where = "[[rule.test]]", .known = kTestKeys, .after = "[[rule.test]]"});
    RuleTest test;
    test.span = table.span;
    if (const auto* name = table.find("name")) {
      test.name = read_text(reporter_, *name).value_or("");
    } else {
      reporter_.error("D028", table.span, "[[rule.test]] has no `name`",
                      "a sentence: name = \"nginx runs sh\"");
    }
    if (const auto* match = table.find("match")) {
      test.match = read_boolean(reporter_, *match).value_or(false);
    } else {
      reporter_.error("D028", table.span, "[[rule.test]] has no `match`",
                      "match = true, or false where the rule must stay silent");
    }
    if (const auto* event = table.find("event")) {
      if (const TomlValue* fields = read_table(reporter_, *event))
        test.event_json = event_json(reporter_, *fields);
    } else {
      reporter_.error("D028", table.span, "[[rule.test]] has no `event`", "event.process.name = \"sh\"");
    }
    rule_.tests.push_back(std::move(test));
  }

  Reporter& reporter_;
  Rule rule_;
};

Names keys_of(std::string_view kind) {
  static constexpr std::array<std::string_view, 26> kCorrelation = {
      "id",    "name",     "title",      "level",          "status",  "description", "author",
      "date",  "modified", "references", "falsepositives", "license", "related",     "tags",
      "type",  "rules",    "group-by",   "timespan",       "aliases", "generate",    "condition",
      "learn", "suppress", "response",   "test",           "custom"};
  static constexpr std::array<std::string_view, 13> kFilter = {
      "id",       "name",       "title", "status",    "description", "author", "date",
      "modified", "references", "rules", "detection", "logsource",   "custom"};
  static constexpr std::array<std::string_view, 7> kOverride = {"rule",  "list",     "add",     "enabled",
                                                                "level", "response", "suppress"};
  if (kind == "correlation") return kCorrelation;
  if (kind == "filter") return kFilter;
  return kOverride;
}

}  // namespace

std::optional<Rule> parse_rule_table(Reporter& reporter, const TomlValue& table) {
  return RuleParser(reporter).parse(table);
}

void refuse_later_table(Reporter& reporter, std::string_view kind, const TomlValue& table) {
  const std::string where = "[[" + std::string(kind) + "]]";
  check_keys(reporter, table, {.where = where, .known = keys_of(kind)});
  for (const char* key : {"timespan", "learn"}) {
    if (const auto* member = table.find(key)) read_duration(reporter, *member);
  }
  if (const auto* member = table.find("level")) read_choice(reporter, *member, kLevels);
  if (const auto* member = table.find("detection"); member != nullptr && kind == "filter")
    parse_detection(reporter, *member);
  reporter.error("D029", table.span, "this version of detectd does not evaluate " + where, "leave it out");
}

}  // namespace detectd
