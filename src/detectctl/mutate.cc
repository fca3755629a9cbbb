// detectctl mutate: how somebody could slip past a rule.
#include <unistd.h>

#include <map>
#include <set>

#include "engine/diagnostic.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/mutate_report.h"
#include "src/detectctl/rule_loading.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/rule_selection.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

struct MutateOptions {
  std::vector<std::string> only;
  std::optional<unsigned> threshold;
  bool all = false;
  bool no_hints = false;
  bool list = false;
  bool json = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "only",
     .value = "MUTATOR",
     .repeatable = true,
     .help = "this mutator alone; repeatable",
     .manual = "Only this mutator; may be given more than once.\n",
     .apply = append<&MutateOptions::only>},
    {.group = kGroup,
     .name = "threshold",
     .value = "N",
     .help = "exit 1 if the mean score is below N percent",
     .manual = "Exit status 1 if the mean score is below\n"
               ".Ar N\n"
               "percent, from 0 to 100.\n",
     .apply = assign_percentage<&MutateOptions::threshold>},
    {.group = kGroup,
     .name = "all",
     .help = "mutators that still hit, or do not apply, too",
     .manual = "Show each mutator: those that still hit, and those that do not apply, with the reason.\n",
     .apply = enable<&MutateOptions::all>},
    {.group = kGroup,
     .name = "no-hints",
     .help = "without what a rule can look at instead",
     .manual = "Leave the hints out.\n",
     .apply = enable<&MutateOptions::no_hints>},
    {.group = kGroup,
     .name = "list",
     .help = "the mutators, and what each does",
     .manual = "Print the mutators, and do nothing else.\n",
     .apply = enable<&MutateOptions::list>},
    {.group = kGroup,
     .name = "json",
     .help = "JSON Lines",
     .manual = "Print an object a line: each evasion with its events, each rule, then a summary.\n",
     .apply = enable<&MutateOptions::json>},
};

Result<std::vector<const Mutator*>> chosen_mutators(const MutateOptions& options) {
  std::vector<const Mutator*> chosen;
  std::vector<std::string_view> names;
  for (const Mutator& mutator : mutators()) names.push_back(mutator.name);
  for (const std::string& name : options.only) {
    const Mutator* mutator = find_mutator(name);
    if (mutator == nullptr) {
      const std::string hint = did_you_mean(name, names);
      return Error{Errc::kUsage, "there is no mutator " + quoted(name) + "; " +
                                     (hint.empty() ? "detectctl mutate --list has them" : hint)};
    }
    chosen.push_back(mutator);
  }
  return chosen;
}

// What is there is a path; any other word is a rule's name or id.
std::vector<std::string> take_rules(Call& call) {
  std::vector<std::string> rules, paths;
  for (const std::string& word : call.arguments) {
    const bool path =
        word.find('/') != std::string::npos || word.ends_with(".toml") || access(word.c_str(), F_OK) == 0;
    (path ? paths : rules).push_back(word);
  }
  call.arguments = paths;
  return rules;
}

struct Target {
  const Rule* rule;
  bool correlation;
  uint32_t index;
};

// By name; of all rules that run, or of those named.
Result<std::vector<Target>> targets_of(const GoodRules& loaded, const std::vector<std::string>& names) {
  const RuleSet& set = *loaded.set;
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    const auto rule = find_rule(name, loaded.document);
    if (!rule) return rule.error();
    wanted.insert((*rule)->id);
  }
  std::map<std::pair<std::string, std::string>, Target> sorted;
  const auto add = [&](const Rule& rule, bool correlation, size_t index) {
    const bool asked = wanted.empty() || wanted.erase(rule.id) > 0;
    if (asked)
      sorted.emplace(std::pair(rule_text(rule), rule.id),
                     Target{&rule, correlation, static_cast<uint32_t>(index)});
    return asked;
  };
  const bool all = wanted.empty();
  const auto done = [&] { return !all && wanted.empty(); };
  for (size_t i = 0; i < set.rules().size() && !done(); ++i) add(*set.rules()[i].rule, false, i);
  for (size_t i = 0; i < set.correlations().size() && !done(); ++i) add(*set.correlations()[i].rule, true, i);
  if (!wanted.empty())
    return Error{Errc::kUsage, quoted(*wanted.begin()) + " is inactive; see detectctl rules list --inactive"};
  std::vector<Target> targets;
  for (const auto& [name, target] : sorted) targets.push_back(target);
  return targets;
}

ExitStatus list(const MutateOptions& options, Call& call) {
  call.output.write(options.json ? mutators_json()
                                 : mutators_text(inspect_terminal(STDOUT_FILENO, call.common.color).columns));
  return ExitStatus::kDone;
}

ExitStatus mutate(const MutateOptions& options, Call& call) {
  const auto chosen = chosen_mutators(options);
  if (!chosen) return fail(chosen.error());
  if (options.list) return list(options, call);
  const std::vector<std::string> names = take_rules(call);
  const auto loaded = load_good_rules(call);
  if (!loaded) return exit_status_of(loaded.error());
  const auto targets = targets_of(*loaded, names);
  if (!targets) return fail(targets.error());
  Evader evader(loaded->set, {.mutators = *chosen, .keep_events = options.json});
  EvasionTotal total;
  bool failed = false;
  for (const Target& target : *targets) {
    if (stop_requested()) return ExitStatus::kInterrupted;
    const auto tests =
        target.correlation ? evader.evade_correlation(target.index) : evader.evade_rule(target.index);
    for (const TestEvasions& test : tests) failed |= !test.problem.empty();
    total.add(score_of(tests));
    call.output.write(
        options.json ? evasions_json(*target.rule, tests)
                     : evasions_text(*target.rule, tests, {.all = options.all, .hints = !options.no_hints}));
  }
  if (options.json) {
    call.output.write(total_json(total));
  } else if (!call.common.quiet && targets->size() != 1) {
    call.output.write(total_text(total));
  }
  if (failed) log::error("a test fails as it stands: what evades it says nothing; see detectctl test");
  const bool low = options.threshold && total.mean() < *options.threshold;
  if (low) log::error("the mean score is below " + std::to_string(*options.threshold) + " %");
  return low || failed ? ExitStatus::kNo : ExitStatus::kDone;
}

}  // namespace

constexpr Command kMutateCommand = {
    .name = "mutate",
    .arguments = "[RULE...] [PATH...]",
    .summary = "how somebody could slip past a rule",
    .manual =
        "Derive evasions from every test of a rule that expects a hit: what somebody could do to get the "
        "same and look "
        "otherwise.\n"
        "The events that there would be then go through the engine that\n"
        ".Xr detectd 8\n"
        "runs; those that the rule misses are told, each with what it could look at instead, and with other "
        "rules that "
        "do see it.\n"
        "A rule's score is the part that still hits, in percent; the mean counts every rule once.\n"
        ".Xr detectd-mutators 7\n"
        "has the list of mutators.\n"
        ".Pp\n"
        "A word that is the path of a file or directory is a\n"
        ".Ar PATH ;\n"
        "any other is a rule's id or name.\n"
        "Without a\n"
        ".Ar RULE\n"
        "all rules are asked, and without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n"
        "The exit status is 1 if a test does not hit as it stands.\n",
    .options = kTable,
    .run = run_command<MutateOptions, mutate>,
};

}  // namespace detectd
