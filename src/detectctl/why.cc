// detectctl why: why a rule holds for an event, or does not; and which rules came nearest.
#include <unistd.h>

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_lint.h"
#include "engine/rule_test.h"
#include "engine/why.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/judged_event.h"
#include "src/detectctl/rule_loading.h"
#include "src/detectctl/why_report.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/rule_selection.h"
#include "src/text.h"

namespace detectd {
namespace {

struct WhyOptions {
  bool never = false;
  bool json = false;
  unsigned limit = 10;
};

Status set_limit(WhyOptions& options, const std::string& value) {
  const auto number = parse_number<unsigned>(value);
  if (!number || *number == 0) return Error{Errc::kUsage, quoted(value) + " is not a number of rules"};
  options.limit = *number;
  return {};
}

constexpr size_t kCommandBytes = 200;

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "never",
     .help = "whether the rule can hold for any event",
     .manual = "Without an event: tell whether the rule can hold for any at all.\n",
     .apply = enable<&WhyOptions::never>},
    {.group = kGroup,
     .name = "limit",
     .value = "N",
     .help = "how many rules to rank (default: 10)",
     .manual = "Without a rule: tell of at most\n.Ar N\nrules that do not hold; 10 if this is not given.\n",
     .apply = set<set_limit>},
    {.group = kGroup,
     .name = "json",
     .help = "JSON Lines",
     .manual = "Print an object on one line for each rule that is told of.\n",
     .apply = enable<&WhyOptions::json>},
};

std::optional<uint32_t> index_of_rule(const RuleSet& set, const std::string& id) {
  for (uint32_t i = 0; i < set.rules().size(); ++i) {
    if (set.rules()[i].rule->id == id) return i;
  }
  return std::nullopt;
}

// Why a rule of the document is not among those that run.
Error not_asked(const Rule& rule, const RuleSet& set) {
  for (const InactiveRule& inactive : set.inactive()) {
    if (inactive.rule->id == rule.id)
      return {Errc::kNotFound, rule_text(rule) + " is inactive: " + escape_text(inactive.reason)};
  }
  std::string names;
  for (const RuleReference& input : rule.correlation->rules)
    names += (names.empty() ? "" : ", ") + escape_text(input.text);
  return {Errc::kUsage,
          rule_text(rule) + " is a correlation; ask why one of its rules holds or does not: " + names};
}

ExitStatus tell_rule(const WhyOptions& options, Call& call, const LoadedRules& rules, const Rule& rule,
                     const EventPlace& place) {
  const auto index = index_of_rule(*rules.set, rule.id);
  if (!index) {
    const Error error = not_asked(rule, *rules.set);
    fail(error);
    return error.code == Errc::kNotFound ? ExitStatus::kNo : ExitStatus::kUsage;
  }
  const auto judged = judge_event(place, rules.set);
  if (!judged) return fail(judged.error());
  Inquiry inquiry(rules.document, *rules.set);
  const RuleWhy why = inquiry.ask(*index, judged->event);
  const bool reported_alone = !rules.set->rules()[*index].silent;
  if (options.json) {
    call.output.write(why_json(why, *judged, reported_alone));
  } else {
    call.output.write(
        why_text(why, *judged, reported_alone, inspect_terminal(STDOUT_FILENO, call.common.color).columns));
  }
  return why.holds ? ExitStatus::kDone : ExitStatus::kNo;
}

// The first item that would have to be otherwise.
const ItemWhy* first_to_change(const RuleWhy& why) {
  for (const DetectionWhy& detection : why.detections) {
    for (const SelectionWhy& selection : detection.selections) {
      for (const AlternativeWhy& alternative : selection.alternatives) {
        for (const ItemWhy& item : alternative.items) {
          if (item.to_change) return &item;
        }
      }
    }
  }
  return nullptr;
}

std::string ranked_text(const RuleWhy& why, size_t columns) {
  const std::string of =
      std::to_string(why.as_wanted) + " of " + std::to_string(why.as_wanted + why.to_change);
  std::string text = "  " + fit(why.holds ? "held" : of, 9) + rule_text(*why.rule);
  const ItemWhy* item = why.holds ? nullptr : first_to_change(why);
  if (item == nullptr) return text + "\n";
  const std::string said = said_text(*item, 60);
  text += "\n" + std::string(11, ' ') + item_text(*item) + (said.empty() ? "" : "; it is " + said);
  const size_t line = text.find('\n') + 1;
  if (columns != 0) text = text.substr(0, line) + cut(text.substr(line), columns);
  return text + "\n";
}

std::string ranked_json(const RuleWhy& why) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "distance");
  json.member("rule", why.rule->id);
  json.member("name", why.rule->name);
  json.member_boolean("holds", why.holds);
  json.member_number("to_change", static_cast<int64_t>(why.to_change));
  json.member_number("as_wanted", static_cast<int64_t>(why.as_wanted));
  if (const ItemWhy* item = why.holds ? nullptr : first_to_change(why))
    json.member("first", item_text(*item));
  json.end_object();
  return json.text() + "\n";
}

// What a ranking begins with.
std::string ranking_text(const JudgedEvent& judged, size_t asked, unsigned held, bool is_empty) {
  return "event   " + judged.place + "  " + std::string(to_string(judged.event.kind)) + "  " +
         lineage_text(judged.event) + "\n        " + command_text(judged.event, kCommandBytes) + "\n" +
         with_separators(held) + " of " + plural(asked, "rule") + " for such events held; " +
         (is_empty ? "none of the others came near" : "the nearest first") + "\n";
}

std::string ranking_json(const JudgedEvent& judged, size_t asked, unsigned held) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "event");
  json.member("event", judged.place);
  json.member("action", to_string(judged.event.kind));
  json.member_number("rules", static_cast<int64_t>(asked));
  json.member_number("held", held);
  json.end_object();
  return json.text() + "\n";
}

ExitStatus rank_rules(const WhyOptions& options, Call& call, const LoadedRules& rules,
                      const EventPlace& place) {
  const auto judged = judge_event(place, rules.set);
  if (!judged) return fail(judged.error());
  Inquiry inquiry(rules.document, *rules.set);
  const size_t columns = inspect_terminal(STDOUT_FILENO, call.common.color).columns;
  std::string text;
  unsigned told = 0, held = 0;
  for (const Inquiry::Distance& distance : inquiry.rank(judged->event)) {
    if (!distance.holds && told++ == options.limit) break;
    held += distance.holds ? 1 : 0;
    const RuleWhy why = inquiry.ask(distance.rule, judged->event);
    text += options.json ? ranked_json(why) : ranked_text(why, columns);
  }
  const size_t asked = rules.set->for_kind(judged->event.kind).rules.size();
  call.output.write(options.json ? ranking_json(*judged, asked, held)
                                 : ranking_text(*judged, asked, held, text.empty()));
  call.output.write(text);
  return held > 0 ? ExitStatus::kDone : ExitStatus::kNo;
}

// Tells the mistakes that keep the rule from ever holding.
void tell_mistakes(const LoadedRules& rules, const Rule& rule) {
  RuleDocument alone = rules.document;
  if (!select_rules({rule.id}, {}, alone)) return;
  Diagnostics compiled, linted, never;
  lint_rules(alone, *RuleSet::compile(alone, compiled), linted);
  for (const Diagnostic& diagnostic : linted.all()) {
    if (diagnostic.code == "D130" || diagnostic.code == "D134") never.add(diagnostic);
  }
  log::show(never);
}

ExitStatus tell_never(Call& call, const LoadedRules& rules, const Rule& rule) {
  for (const RuleTestResult& result : run_rule_tests(rules.set)) {
    if (result.rule->id != rule.id || !result.passed() || !result.matched) continue;
    call.output.write(rule_text(rule) + " can hold: it does in its test " + quoted(result.test->name) + "\n");
    return ExitStatus::kDone;
  }
  const auto index = index_of_rule(*rules.set, rule.id);
  if (!index && !rule.correlation) {
    call.output.write(not_asked(rule, *rules.set).message + "\n");
    return ExitStatus::kNo;
  }
  if (index && !Inquiry(rules.document, *rules.set).may_hold(*index)) {
    tell_mistakes(rules, rule);
    call.output.write(rule_text(rule) + " can never hold\n");
    return ExitStatus::kNo;
  }
  call.output.write(rule_text(rule) +
                    " may hold: nothing keeps it from that, but none of its tests shows it either\n");
  return ExitStatus::kDone;
}

ExitStatus why(const WhyOptions& options, Call& call) {
  if (call.arguments.empty()) return fail_usage(call, "which event? FILE:LINE, or - for standard input");
  const auto first = parse_event_place(call.arguments[0]);
  if (options.never && first) return fail_usage(call, "--never asks about a rule, not about an event");
  std::optional<EventPlace> place = first;
  std::string name;
  if (!first) {
    name = call.arguments[0];
    if (!options.never) {
      if (call.arguments.size() < 2)
        return fail_usage(call, quoted(name) + " is no event: give FILE:LINE, or - for standard input");
      place = parse_event_place(call.arguments[1]);
      if (!place)
        return fail_usage(
            call, quoted(call.arguments[1]) + " is no event: give FILE:LINE, or - for standard input");
      call.arguments.erase(call.arguments.begin());
    }
  }
  call.arguments.erase(call.arguments.begin());
  const auto rules = load_good_rules(call);
  if (!rules) return exit_status_of(rules.error());
  if (name.empty()) return rank_rules(options, call, *rules, *place);
  const auto rule = find_rule(name, rules->document);
  if (!rule) return fail(rule.error());
  return options.never ? tell_never(call, *rules, **rule) : tell_rule(options, call, *rules, **rule, *place);
}

}  // namespace

constexpr Command kWhyCommand = {
    .name = "why",
    .arguments = "[RULE] EVENT [PATH...]",
    .summary = "why a rule holds for an event, or does not",
    .manual =
        "Tell why a rule, given by its id or name, holds for an event or does not: its condition as a tree, "
        "with "
        "every selection and every item, what the event has there, and where a pattern stopped.\n"
        "The fewest items that would have to be otherwise are marked with\n"
        ".Sq < .\n"
        "Without a\n"
        ".Ar RULE\n"
        "all rules for such events are ranked by how near they came.\n"
        ".Pp\n"
        "An\n"
        ".Ar EVENT\n"
        "is a line of a capture,\n"
        ".Sq FILE:LINE ,\n"
        "or\n"
        ".Sq - :\n"
        "the last event of standard input.\n"
        "All that the capture has before it is read, too, so it is judged as\n"
        ".Xr detectd 8\n"
        "would.\n"
        "Without a\n"
        ".Ar PATH\n"
        "the rules are the shipped ones and those of the site.\n"
        "The exit status is 1 if the rule, or no rule at all, holds.\n",
    .options = kTable,
    .run = run_command<WhyOptions, why>,
};

}  // namespace detectd
