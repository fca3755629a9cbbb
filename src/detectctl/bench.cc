// detectctl bench: what rules cost on events.
#include "engine/engine.h"
#include "src/detectctl/bench_report.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/hostile_events.h"
#include "src/detectctl/rule_loading.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/sources/replay.h"
#include "src/text.h"

namespace detectd {
namespace {

struct BenchOptions {
  std::vector<std::string> captures;
  bool hostile = false;
  bool json = false;
};

constexpr std::string_view kGroup = "Options";
constexpr size_t kRows = 20;
// Every rule is evaluated by itself on one of so many events. Of hostile ones each costs much, and all are alike.
constexpr uint64_t kProfileEvery = 16;
constexpr uint64_t kProfileHostileEvery = 50;

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "on",
     .value = "FILE",
     .help = "the capture whose events are judged, - for standard\n"
             "input; may be given more than once",
     .manual = "Judge the events of this capture,\n"
               ".Sq -\n"
               "for standard input.\n"
               "May be given more than once.\n",
     .apply = append<&BenchOptions::captures>},
    {.group = kGroup,
     .name = "hostile",
     .help = "2,000 events made to be dear for these very rules",
     .manual = "Judge 2,000 events that are made to be dear for these very rules: texts of 4096 bytes, full "
               "of what "
               "the rules look for, whole, nearly, over and over, or drawn out.\n"
               "Given with\n"
               ".Fl Fl on ,\n"
               "both are judged and told.\n",
     .apply = enable<&BenchOptions::hostile>},
    {.group = kGroup,
     .name = "json",
     .help = "a JSON object a rule, and one for the summary",
     .manual =
         "Print each rule, all of them, as a JSON object on a line of its own, and a summary as the last.\n",
     .apply = enable<&BenchOptions::json>},
};

void tell(const BenchOptions& options, const Call& call, const RuleSet& rules, const RuleBench& bench,
          bool hostile) {
  BenchView view;
  view.match = bench.match_cost();
  view.hostile = hostile;
  const std::vector<std::string> keys = key_texts(rules);
  for (const RuleCost& cost : bench.rule_costs()) {
    view.rules.push_back({rule_text(*rules.rules()[cost.rule].rule), keys[cost.rule], cost});
  }
  call.output.write(options.json ? bench_json(std::move(view)) : bench_table(std::move(view), kRows));
}

// A mistake in a capture is a diagnostic; any other failure is told besides.
ExitStatus fail_reading(Diagnostics diagnostics, const Error& error) {
  log::show(diagnostics);
  if (diagnostics.errors() == 0) return fail(error);
  return exit_status_of(error);
}

ExitStatus judge_captures(const std::vector<std::string>& paths, const std::shared_ptr<const RuleSet>& rules,
                          RuleBench& bench) {
  WorkerPool workers(1);
  Diagnostics opening;
  auto source = ReplaySource::open({.paths = paths}, rules->schema(), workers, opening);
  if (!source) return fail_reading(std::move(opening), source.error());
  Engine engine(rules, {});
  std::vector<Event> chunk;
  std::vector<Event> ready;
  for (bool more = true; more;) {
    chunk.swap(ready);
    ready.clear();
    const Result<bool> read = (*source)->next(chunk);
    if (!read) return fail_reading((*source)->report().diagnostics, read.error());
    more = *read;
    for (Event& event : chunk) engine.observe(event, ready);
    if (!more) engine.flush(ready);
    for (const Event& event : ready) bench.observe(event);
  }
  Diagnostics warnings = (*source)->report().diagnostics;
  log::show(warnings);
  return ExitStatus::kDone;
}

ExitStatus bench(const BenchOptions& options, Call& call) {
  if (options.captures.empty() && !options.hostile) {
    return fail_usage(call, "nothing to judge: give a capture with --on, or --hostile");
  }
  const auto rules = load_good_rules(call);
  if (!rules) return exit_status_of(rules.error());
  if (!options.captures.empty()) {
    RuleBench bench(*rules->set, kProfileEvery);
    const ExitStatus status = judge_captures(options.captures, rules->set, bench);
    if (status != ExitStatus::kDone) return status;
    tell(options, call, *rules->set, bench, false);
  }
  if (options.hostile) {
    RuleBench bench(*rules->set, kProfileHostileEvery);
    visit_hostile_events(*rules->set, {}, [&](const Event& event) { bench.observe(event); });
    tell(options, call, *rules->set, bench, true);
  }
  return ExitStatus::kDone;
}

}  // namespace

constexpr Command kBenchCommand = {
    .name = "bench",
    .arguments = "[PATH...]",
    .summary = "what rules cost on events, and the dearest of them",
    .manual =
        "Tell what rules cost: each by itself on an event of its kinds, which is what\n"
        ".Nm detectd Fl Fl profile\n"
        "tells, the dearest first, and all of them together on an event.\n"
        "Most rules have keys, texts of which one must be in an event for the rule to be asked; also told is "
        "one of them, and in which share of the events a rule is asked.\n"
        "A rule that costs more than 5 us an event is named as dear.\n"
        "The times of all rules together are the processor's, so that what else it does is not in them.\n"
        "Without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n",
    .options = kTable,
    .run = run_command<BenchOptions, bench>,
};

}  // namespace detectd
