#include "engine/correlation_parser.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/key_tables.h"
#include "engine/rule_parts.h"
#include "engine/rule_test_parser.h"

namespace detectd {
namespace {

using Kind = TomlValue::Kind;
using enum CorrelationType;

constexpr std::string_view kHeader = "[[correlation]]";

bool is_temporal(CorrelationType type) { return type == kTemporal || type == kTemporalOrdered; }

bool takes_field(CorrelationType type) {
  return type == kValueCount || type == kValueSum || type == kValueAvg || type == kValuePercentile;
}

bool counts(CorrelationType type) { return type == kEventCount || type == kValueCount || is_temporal(type); }

std::string named(CorrelationType type) { return "`type = \"" + std::string(to_string(type)) + "\"`"; }

class CorrelationParser {
 public:
  explicit CorrelationParser(Reporter& reporter) : reporter_(reporter) {}

  std::optional<Rule> parse(const TomlValue& table) {
    const size_t errors_before = reporter_.errors();
    rule_.file = reporter_.file();
    rule_.span = table.span;
    check_keys(reporter_, table, {.where = kHeader, .known = key_tables::kCorrelationKeys});
    for (const TomlMember& member : table.members) rule_.keys.emplace(member.key, member.span);
    parse_heading(reporter_, table, kHeader, rule_);
    if (const auto* member = table.find("taxonomy"))
      rule_.sigma_taxonomy = parse_taxonomy(reporter_, *member);
    parse_rules(table);
    parse_window(table);
    if (const auto* member = table.find("type")) {
      if (const auto type = read_choice(reporter_, *member, key_tables::kCorrelationTypes)) {
        correlation_.type = *find_correlation_type(*type);
        parse_by_type(table);
      }
    } else {
      missing("type", "type = \"event_count\"; detectd-rules(5) has the others");
    }
    if (const auto* member = table.find("response"))
      rule_.response = parse_response(reporter_, *member, "correlation");
    if (const auto* member = table.find("suppress"))
      rule_.suppress = parse_suppress(reporter_, *member, "correlation");
    if (const auto* member = table.find("test")) rule_.tests = parse_tests(reporter_, *member, "correlation");
    if (reporter_.errors() != errors_before) return std::nullopt;
    rule_.correlation = std::move(correlation_);
    return std::move(rule_);
  }

 private:
  void missing(std::string_view key, std::string help) {
    report_missing(reporter_, rule_.span, kHeader, key, std::move(help));
  }

  void parse_rules(const TomlValue& table) {
    const auto* member = table.find("rules");
    if (member == nullptr)
      return missing("rules", "the rules whose hits it looks at: rules = [\"id or name\"]");
    correlation_.rules = parse_references(reporter_, *member);
    if (correlation_.rules.size() > kMaxCorrelatedRules)
      reporter_.error("D014", member->span, "a correlation names at most 100 rules");
    if (const auto* generate = table.find("generate"))
      correlation_.generate = read_boolean(reporter_, *generate);
  }

  void parse_window(const TomlValue& table) {
    if (const auto* member = table.find("group-by")) {
      correlation_.group_by = read_texts(reporter_, *member).value_or(std::vector<std::string>());
      if (correlation_.group_by.size() > kMaxGroupFields)
        reporter_.error("D014", member->span, "`group-by` has at most 16 fields");
    }
    if (const auto* member = table.find("timespan"))
      correlation_.timespan_ns = read_duration(reporter_, *member).value_or(0);
    if (const auto* member = table.find("learn")) correlation_.learn_ns = read_duration(reporter_, *member);
    if (const auto* member = table.find("aliases")) parse_aliases(*member);
  }

  void parse_aliases(const TomlMember& member) {
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    for (const TomlMember& alias : table->members) {
      const TomlValue* fields = read_table(reporter_, alias);
      if (fields == nullptr) continue;
      CorrelationAlias& parsed = correlation_.aliases.emplace_back();
      parsed.name = alias.key;
      parsed.span = alias.span;
      for (const TomlMember& field : fields->members) {
        const auto text = read_text(reporter_, field);
        if (text) parsed.fields.push_back({.rule = make_reference(field.key, field.span), .field = *text});
      }
    }
  }

  void parse_by_type(const TomlValue& table) {
    const CorrelationType type = correlation_.type;
    const bool new_terms = type == kNewTerms;
    const TomlMember* condition = table.find("condition");
    if (condition != nullptr && !new_terms) {
      parse_condition(*condition);
    } else if (!new_terms && !is_temporal(type)) {
      missing("condition", takes_field(type) ? "condition = { field = \"user.name\", gte = 10 }"
                                             : "condition = { gte = 10 }");
    }
    if (table.find("timespan") == nullptr && !new_terms)
      missing("timespan", "how long the window is: timespan = \"5m\"");
    if (new_terms && table.find("group-by") == nullptr)
      missing("group-by", "the fields whose values are to be new: group-by = [\"process.name\"]");
    for (const char* key : {"condition", "timespan"}) {
      if (new_terms) refuse(table, key, "it holds the first time that the values of `group-by` are seen");
    }
    if (!new_terms) refuse(table, "learn", "only `new_terms` learns");
  }

  void refuse(const TomlValue& table, std::string_view key, std::string help) {
    if (const TomlMember* member = table.find(key))
      reporter_.error("D082", member->span, named(correlation_.type) + " has no `" + std::string(key) + "`",
                      std::move(help));
  }

  void parse_condition(const TomlMember& member) {
    const TomlValue* table = read_table(reporter_, member);
    if (table == nullptr) return;
    CorrelationCondition& condition = correlation_.condition;
    condition.span = member.span;
    check_keys(
        reporter_, *table,
        {.where = "`condition`", .known = key_tables::kConditionKeys, .after = "[correlation.condition]"});
    bool bounded = is_temporal(correlation_.type);
    for (const TomlMember& child : table->members) {
      const auto op = find_bound_op(child.key);
      if (op) parse_bound(child, *op);
      bounded |= op.has_value();
    }
    if (!bounded)
      reporter_.error("D028", member.span, "`condition` has no bound", "condition = { gte = 10 }");
    parse_condition_field(*table);
    if (const auto* percentile = table->find("percentile")) parse_percentile(*percentile);
    check_bounds();
  }

  void parse_bound(const TomlMember& member, BoundOp op) {
    const auto number = read_number(member);
    if (number) correlation_.condition.bounds.push_back({.op = op, .number = *number, .span = member.span});
  }

  std::optional<double> read_number(const TomlMember& member) {
    if (member.value.is(Kind::kInteger)) return static_cast<double>(member.value.integer);
    if (member.value.is(Kind::kReal) && std::isfinite(member.value.real)) return member.value.real;
    reporter_.error("D027", member.value.span,
                    "`" + member.key + "` must be a number, not " +
                        std::string(member.value.is(Kind::kReal) ? "that" : kind_name(member.value.kind)));
    return std::nullopt;
  }

  void parse_condition_field(const TomlValue& table) {
    const TomlMember* field = table.find("field");
    CorrelationCondition& condition = correlation_.condition;
    if (field != nullptr)
      condition.fields = read_texts(reporter_, *field).value_or(std::vector<std::string>());
    const bool takes = takes_field(correlation_.type);
    if (field != nullptr && !takes) {
      reporter_.error("D082", field->span, named(correlation_.type) + " has no `field`",
                      "to count different values use `value_count`");
    } else if (takes && condition.fields.empty()) {
      reporter_.error("D082", condition.span, named(correlation_.type) + " needs a `field`",
                      "condition = { field = \"user.name\", gte = 10 }");
    } else if (condition.fields.size() > (correlation_.type == kValueCount ? kMaxGroupFields : 1)) {
      reporter_.error("D082", field->value.span,
                      correlation_.type == kValueCount ? "`field` has at most 16 fields"
                                                       : named(correlation_.type) + " has one `field`");
    }
  }

  void parse_percentile(const TomlMember& member) {
    if (correlation_.type != kValuePercentile) {
      reporter_.error("D082", member.span, named(correlation_.type) + " has no `percentile`",
                      "use `type = \"value_percentile\"`");
      return;
    }
    const auto number = read_number(member);
    correlation_.condition.percentile = number;
    if (number && (*number < 0 || *number > 100))
      reporter_.error("D021", member.value.span, "a percentile lies between 0 and 100");
  }

  // That some number meets all bounds.
  void check_bounds() {
    double least = counts(correlation_.type) ? 1 : -HUGE_VAL;
    double most = HUGE_VAL;
    if (correlation_.type == kEventCount || correlation_.type == kValueCount) most = kMaxWindowEvents;
    if (is_temporal(correlation_.type)) most = static_cast<double>(correlation_.rules.size());
    const double reachable = most;
    bool open = false;  // at an end: `gt = 3, lt = 3`
    for (const Bound& bound : correlation_.condition.bounds) {
      const bool whole = counts(correlation_.type);
      double low = -HUGE_VAL;
      double high = HUGE_VAL;
      switch (bound.op) {
        case BoundOp::kGte: low = whole ? std::ceil(bound.number) : bound.number; break;
        case BoundOp::kGt: low = whole ? std::floor(bound.number) + 1 : bound.number; break;
        case BoundOp::kLte: high = whole ? std::floor(bound.number) : bound.number; break;
        case BoundOp::kLt: high = whole ? std::ceil(bound.number) - 1 : bound.number; break;
        case BoundOp::kEq: low = high = bound.number; break;
        case BoundOp::kNeq: break;
      }
      open |= !whole && (bound.op == BoundOp::kGt || bound.op == BoundOp::kLt);
      least = std::max(least, low);
      most = std::min(most, high);
    }
    if (least < most || (least == most && !open)) return;
    std::string help;
    if (least > reachable) {
      help = is_temporal(correlation_.type) ? "there are no more than the rules that it names"
                                            : "a window holds at most 100,000 events";
    }
    reporter_.error("D084", correlation_.condition.span, "no number meets this condition", std::move(help));
  }

  Reporter& reporter_;
  Rule rule_;
  Correlation correlation_;
};

}  // namespace

std::optional<Rule> parse_correlation_table(Reporter& reporter, const TomlValue& table) {
  return CorrelationParser(reporter).parse(table);
}

}  // namespace detectd
