#include "src/detectctl/correlation_why_report.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_writer.h"
#include "engine/timestamp.h"
#include "engine/toml_writer.h"
#include "src/detectctl/why_report.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kShownParts = 20;
constexpr size_t kCommandBytes = 80;
constexpr size_t kTimeColumns = 24;

using enum CorrelationType;

// 3, not 3.000000; 2.5.
std::string number_text(long double number) {
  const auto whole = static_cast<int64_t>(number);
  if (static_cast<long double>(whole) == number)
    return with_separators(static_cast<uint64_t>(std::max<int64_t>(whole, 0)));
  return toml_real(static_cast<double>(number));
}

std::string_view sign_of(BoundOp op) {
  switch (op) {
    case BoundOp::kLt: return "less than ";
    case BoundOp::kLte: return "at most ";
    case BoundOp::kGt: return "more than ";
    case BoundOp::kGte: return "at least ";
    case BoundOp::kEq: return "exactly ";
    case BoundOp::kNeq: return "other than ";
  }
  return "";
}

std::string fields_text(const std::vector<std::string>& fields) {
  std::string text;
  for (const std::string& field : fields) text += (text.empty() ? "" : ", ") + escape_text(field);
  return text;
}

// `at least 3`, `at least 3 and less than 10`; of temporal correlations without bounds: all rules.
std::string bounds_text(const Correlation& correlation) {
  std::string text;
  for (const Bound& bound : correlation.condition.bounds)
    text += (text.empty() ? "" : " and ") + std::string(sign_of(bound.op)) + number_text(bound.number);
  return text.empty() ? "all " + std::to_string(correlation.rules.size()) : text;
}

// What is measured: `hits`, `different values of user.name`.
std::string measured_text(const Correlation& correlation) {
  const std::string fields = fields_text(correlation.condition.fields);
  switch (correlation.type) {
    case kEventCount: return "hits";
    case kValueCount: return "different values of " + fields;
    case kValueSum: return "the sum of " + fields;
    case kValueAvg: return "the average of " + fields;
    case kValuePercentile:
      return "percentile " + number_text(correlation.condition.percentile.value_or(50)) + " of " + fields;
    case kTemporal: return "rules with a hit";
    case kTemporalOrdered: return "rules with a hit, in their order";
    case kNewTerms: break;
  }
  return fields_text(correlation.group_by);
}

// `different values of user.name: at least 3, within 5m, by host.name`
std::string wanted_text(const Correlation& correlation) {
  if (correlation.type == kNewTerms) {
    return "a value of " + fields_text(correlation.group_by) + " that was never seen before, learning for " +
           write_duration(correlation.learn_ns.value_or(86'400'000'000'000));
  }
  return measured_text(correlation) + ": " + bounds_text(correlation) + ", within " +
         write_duration(correlation.timespan_ns) +
         (correlation.group_by.empty() ? "" : ", by " + fields_text(correlation.group_by));
}

std::string group_text(const CorrelationWhy& why) {
  std::string text;
  for (const GroupValue& value : why.group)
    text += (text.empty() ? "" : ", ") + escape_text(value.field) + " `" + escape_text(value.value) + "`";
  return text;
}

bool any_held(const CorrelationWhy& why) {
  return std::any_of(why.inputs.begin(), why.inputs.end(), [](const InputWhy& input) { return input.held; });
}

std::string answer_of(const CompiledCorrelation& compiled, const JudgedEvent& judged) {
  const CorrelationWhy& why = *judged.correlation;
  const Correlation& correlation = *compiled.rule->correlation;
  if (why.holds) return reported_text(judged, !compiled.silent);
  if (!any_held(why)) return "no: none of its rules holds for this event";
  if (!why.counts) return "no: the event lacks what it is grouped or counted by";
  if (correlation.type == kNewTerms) {
    return why.known ? "no: that was seen before"
                     : "no: it is new, but in the time of learning nothing is told";
  }
  return (judged.alone ? "not by this event alone: " : "no: ") + measured_text(correlation) + ": " +
         number_text(why.measure.value_or(0)) + ", wanted " + bounds_text(correlation);
}

std::string input_line(const InputWhy& input, const CorrelationWhy& why, const std::string& event) {
  std::string text = (input.held ? "  yes   " : "  no    ") + rule_text(*input.rule);
  if (!input.lacks.empty()) return text + ": holds, but the event has no " + fields_text(input.lacks) + "\n";
  if (input.held || why.holds) return text + "\n";
  return text + ": `detectctl why " + rule_text(*input.rule) + " " + escape_text(event) + "` says why\n";
}

std::string window_text(const CorrelationWhy& why, size_t columns) {
  std::string text = "\nhits of its rules in the window that ends with this event:\n";
  const size_t left_out = why.parts.size() - std::min(why.parts.size(), kShownParts);
  if (left_out + why.parts_left_out != 0)
    text += "  " + plural(left_out + why.parts_left_out, "earlier one") + "\n";
  size_t widest = 0;
  for (const InputWhy& input : why.inputs) widest = std::max(widest, display_width(rule_text(*input.rule)));
  for (size_t i = left_out; i < why.parts.size(); ++i) {
    const Event& event = *why.parts[i].event;
    const std::string line = "  " + fit(event.has_time ? format_time(event.time_ns) : "", kTimeColumns) +
                             "  " + fit(rule_text(*why.inputs[why.parts[i].input].rule), widest) + "  " +
                             lineage_text(event) + "  " + command_text(event, kCommandBytes);
    text += (columns == 0 ? line : cut(line, columns)) + "\n";
  }
  return text;
}

std::string stored_parts_text(const JudgedEvent& judged, size_t columns) {
  if (!judged.stored || judged.parts.empty()) return {};
  std::string text = "\nwhat hit " + std::to_string(judged.stored->n) + " was made of:\n";
  for (const StoredPart& part : judged.parts) {
    const std::string line = "  " + part.time + "  " + part.rule + "  " + part.command_line;
    text += (columns == 0 ? line : cut(line, columns)) + "\n";
  }
  return text;
}

}  // namespace

std::string correlation_why_text(const CompiledCorrelation& compiled, const JudgedEvent& judged,
                                 const std::string& event, size_t columns) {
  const CorrelationWhy& why = *judged.correlation;
  const Correlation& correlation = *compiled.rule->correlation;
  std::string text = heading_text(*compiled.rule, judged) +
                     stored_text(*compiled.rule, compiled.digest, why.holds || judged.alone, judged) +
                     "answer  " + answer_of(compiled, judged) + "\n\nits rules:\n";
  for (const InputWhy& input : why.inputs) text += input_line(input, why, event);
  text += "\ncondition: " + wanted_text(correlation) + "\n";
  if (why.counts) {
    if (!why.group.empty()) text += "        group " + group_text(why) + "\n";
    if (why.measure) {
      text += std::string(why.holds ? "  yes" : "  no ") + "   " + measured_text(correlation) + ": " +
              number_text(*why.measure) + "\n";
    }
    if (correlation.type != kNewTerms && !judged.alone) text += window_text(why, columns);
  }
  text += stored_parts_text(judged, columns);
  if (judged.alone) text += "\nwhat came before this event is not known; --on CAPTURE tells it\n";
  return text;
}

std::string correlation_why_json(const CompiledCorrelation& compiled, const JudgedEvent& judged) {
  const CorrelationWhy& why = *judged.correlation;
  JsonWriter json;
  json.begin_object();
  json.member("type", "why_correlation");
  json.member("rule", compiled.rule->id);
  json.member("event", judged.place);
  json.member_boolean("holds", why.holds);
  json.member_boolean("hit", why.holds && !compiled.silent && judged.reported && judged.reported->now);
  json.member("answer", answer_of(compiled, judged));
  json.member_boolean("alone", judged.alone);
  json.key("rules");
  json.begin_array();
  for (const InputWhy& input : why.inputs) {
    json.begin_object();
    json.member("rule", input.rule->id);
    json.member_boolean("holds", input.held);
    json.key("lacks");
    json.begin_array();
    for (const std::string& field : input.lacks) json.string(field);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.member("wanted", wanted_text(*compiled.rule->correlation));
  json.member_boolean("counts", why.counts);
  json.key("group");
  json.begin_object();
  for (const GroupValue& value : why.group) json.member(value.field, value.value);
  json.end_object();
  if (why.measure) {
    json.key("measure");
    json.raw(toml_real(static_cast<double>(*why.measure)));
  }
  json.key("window");
  json.begin_array();
  for (const WindowPart& part : why.parts) {
    json.begin_object();
    json.member("rule", why.inputs[part.input].rule->id);
    if (part.event->has_time) json.member("@timestamp", format_rfc3339(part.event->time_ns));
    json.member("command_line", command_text(*part.event, kCommandBytes));
    json.end_object();
  }
  json.end_array();
  json.member_number("left_out", static_cast<int64_t>(why.parts_left_out));
  json.end_object();
  return json.text() + "\n";
}

}  // namespace detectd
