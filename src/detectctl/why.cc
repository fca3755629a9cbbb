// detectctl why: why a rule holds for an event, or does not; and which rules came nearest.
#include <unistd.h>

#include <algorithm>

#include "engine/escape.h"
#include "engine/json_writer.h"
#include "engine/rule_lint.h"
#include "engine/rule_test.h"
#include "engine/why.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/correlation_why_report.h"
#include "src/detectctl/hits_options.h"
#include "src/detectctl/judged_event.h"
#include "src/detectctl/rule_loading.h"
#include "src/detectctl/why_report.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/rule_selection.h"
#include "src/text.h"

namespace detectd {
namespace {

struct WhyOptions {
  bool never = false;
  bool json = false;
  unsigned limit = 10;
  std::string db = kDefaultDatabase;
  std::vector<std::string> on;
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
     .name = "db",
     .value = "FILE",
     .help = "where a hit is stored, instead of\n/var/lib/detectd/hits.db",
     .manual =
         "The database of an\n.Ar EVENT\nthat is a stored hit; the default is\n.Pa /var/lib/detectd/hits.db "
         ".\n",
     .apply = assign<&WhyOptions::db>},
    {.group = kGroup,
     .name = "on",
     .value = "CAPTURE",
     .repeatable = true,
     .help = "what came before the event",
     .manual =
         "A capture with what came before a stored hit, or before an event on standard input, or from other\n"
         "hosts before one of a capture.\n"
         "It is read up to the event's time.\n",
     .apply = append<&WhyOptions::on>},
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

std::optional<uint32_t> index_of_correlation(const RuleSet& set, const std::string& id) {
  for (uint32_t i = 0; i < set.correlations().size(); ++i) {
    if (set.correlations()[i].rule->id == id) return i;
  }
  return std::nullopt;
}

// Why a rule of the document is not among those that run.
std::string inactive_text(const Rule& rule, const RuleSet& set) {
  for (const InactiveRule& inactive : set.inactive()) {
    if (inactive.rule->id == rule.id)
      return rule_text(rule) + " is inactive: " + escape_text(inactive.reason);
  }
  return rule_text(rule) + " does not run";
}

// What is asked: of which event, with which rules.
struct Asked {
  const WhyOptions& options;
  Call& call;
  const GoodRules& rules;
  EventWord event;
  std::string word;  // the event as it was written

  EventQuestion question() const { return {.event = event, .db = options.db, .on = options.on}; }
  size_t columns() const { return inspect_terminal(STDOUT_FILENO, call.common.color).columns; }
};

ExitStatus tell_correlation(const Asked& asked, uint32_t index) {
  EventQuestion question = asked.question();
  question.correlation = index;
  const auto judged = judge_event(question, asked.rules.set);
  if (!judged) return exit_status_of(judged.error());
  const CompiledCorrelation& correlation = asked.rules.set->correlations()[index];
  asked.call.output.write(asked.options.json
                              ? correlation_why_json(correlation, *judged)
                              : correlation_why_text(correlation, *judged, asked.word, asked.columns()));
  return judged->correlation->holds ? ExitStatus::kDone : ExitStatus::kNo;
}

ExitStatus tell_rule(const Asked& asked, const Rule& rule) {
  const RuleSet& set = *asked.rules.set;
  if (const auto correlation = index_of_correlation(set, rule.id))
    return tell_correlation(asked, *correlation);
  const auto index = index_of_rule(set, rule.id);
  if (!index) {
    log::error(inactive_text(rule, set));
    return ExitStatus::kNo;
  }
  EventQuestion question = asked.question();
  question.rule = *index;
  const auto judged = judge_event(question, asked.rules.set);
  if (!judged) return exit_status_of(judged.error());
  Inquiry inquiry(asked.rules.document, set);
  const RuleWhy why = inquiry.ask(*index, judged->event);
  const CompiledRule& compiled = set.rules()[*index];
  asked.call.output.write(asked.options.json
                              ? why_json(why, *judged, !compiled.silent)
                              : why_text(why, compiled.digest, *judged, !compiled.silent, asked.columns()));
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

ExitStatus rank_rules(const Asked& asked) {
  const RuleSet& set = *asked.rules.set;
  const WhyOptions& options = asked.options;
  const auto judged = judge_event(asked.question(), asked.rules.set);
  if (!judged) return exit_status_of(judged.error());
  Inquiry inquiry(asked.rules.document, set);
  const size_t columns = asked.columns();
  std::string text;
  unsigned told = 0, held = 0;
  for (const Inquiry::Distance& distance : inquiry.rank(judged->event)) {
    if (!distance.holds && told++ == options.limit) break;
    held += distance.holds ? 1 : 0;
    const RuleWhy why = inquiry.ask(distance.rule, judged->event);
    text += options.json ? ranked_json(why) : ranked_text(why, columns);
  }
  const size_t rules = set.for_kind(judged->event.kind).rules.size();
  asked.call.output.write(options.json ? ranking_json(*judged, rules, held)
                                       : ranking_text(*judged, rules, held, text.empty()));
  asked.call.output.write(text);
  return held > 0 ? ExitStatus::kDone : ExitStatus::kNo;
}

// Tells the mistakes that keep the rule from ever holding.
void tell_mistakes(const GoodRules& rules, const Rule& rule) {
  RuleDocument alone = rules.document;
  if (!select_rules({rule.id}, {}, alone)) return;
  Diagnostics compiled, linted, never;
  lint_rules(alone, *RuleSet::compile(alone, compiled), linted);
  for (const Diagnostic& diagnostic : linted.all()) {
    if (diagnostic.code == "D130" || diagnostic.code == "D134") never.add(diagnostic);
  }
  log::show(never);
}

ExitStatus tell_never(Call& call, const GoodRules& rules, const Rule& rule) {
  for (const RuleTestResult& result : run_rule_tests(rules.set)) {
    if (result.rule->id != rule.id || !result.passed() || !result.matched) continue;
    call.output.write(rule_text(rule) + " can hold: it does in its test " + quoted(result.test->name) + "\n");
    return ExitStatus::kDone;
  }
  const auto index = index_of_rule(*rules.set, rule.id);
  if (!index && !rule.correlation) {
    call.output.write(inactive_text(rule, *rules.set) + "\n");
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

constexpr std::string_view kEvents = "give FILE:LINE, - for standard input, or the number of a stored hit";

// The rule and the event among the arguments, which are then the paths of rules.
struct Words {
  std::string rule;  // empty: all are asked
  std::string event;
};
std::optional<Words> take_words(const WhyOptions& options, Call& call) {
  std::vector<std::string>& arguments = call.arguments;
  if (arguments.empty()) {
    fail_usage(call, "which event? " + std::string(kEvents));
    return std::nullopt;
  }
  const bool first_is_event = parse_event_word(arguments[0]).has_value();
  const bool second_is_event = arguments.size() > 1 && parse_event_word(arguments[1]).has_value();
  Words words;
  if (options.never) {
    // A rule may be called as a hit is numbered.
    if (first_is_event && arguments[0].find(':') != std::string::npos) {
      fail_usage(call, "--never asks about a rule, not about an event");
      return std::nullopt;
    }
    words.rule = arguments[0];
  } else if (first_is_event && !second_is_event) {
    words.event = arguments[0];
  } else if (!second_is_event) {
    fail_usage(call, quoted(arguments.size() < 2 ? arguments[0] : arguments[1]) +
                         " is no event: " + std::string(kEvents));
    return std::nullopt;
  } else {
    words = {arguments[0], arguments[1]};
  }
  const bool both = !words.rule.empty() && !words.event.empty();
  arguments.erase(arguments.begin(), arguments.begin() + (both ? 2 : 1));
  return words;
}

ExitStatus why(const WhyOptions& options, Call& call) {
  const auto words = take_words(options, call);
  if (!words) return ExitStatus::kUsage;
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, ColorChoice::kAuto).is_terminal;
  if (Status status = use_time_zone(on_terminal ? "local" : "UTC"); !status) return fail(status.error());
  const auto rules = load_good_rules(call);
  if (!rules) return exit_status_of(rules.error());
  const Asked asked{options, call, *rules, parse_event_word(words->event).value_or(EventWord{}),
                    words->event};
  if (words->rule.empty()) return rank_rules(asked);
  const auto rule = find_rule(words->rule, rules->document);
  if (!rule) return fail(rule.error());
  return options.never ? tell_never(call, *rules, **rule) : tell_rule(asked, **rule);
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
        "the last event of standard input; or a stored hit, by its number or its id.\n"
        "All that the capture has before it is read, too, so it is judged as\n"
        ".Xr detectd 8\n"
        "would.\n"
        "Of a stored hit the event, its process and its ancestors are known, as far as the database keeps "
        "them "
        "and has not redacted them.\n"
        ".Pp\n"
        "Of a correlation it is told which of its rules hold for the event, the group that it is of, what "
        "was "
        "counted against what is wanted, and the hits in the window.\n"
        "What came before a stored hit is not known without\n"
        ".Fl Fl on .\n"
        ".Pp\n"
        "Without a\n"
        ".Ar PATH\n"
        "the rules are the shipped ones and those of the site.\n"
        "The exit status is 1 if the rule, or no rule at all, holds.\n",
    .options = kTable,
    .run = run_command<WhyOptions, why>,
};

}  // namespace detectd
