// detectctl test: the tests that stand beside the rules.
#include <unistd.h>

#include <csignal>

#include "engine/escape.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/rule_loading.h"
#include "src/detectctl/rule_watch.h"
#include "src/detectctl/test_report.h"
#include "src/log.h"
#include "src/report/hit_view.h"
#include "src/stop.h"
#include "src/text.h"

namespace detectd {
namespace {

struct TestOptions {
  bool coverage = false;
  std::optional<unsigned> threshold;
  std::string junit;  // empty: none
  bool tap = false;
  bool watch = false;
};

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "coverage",
     .help = "what no test has shown: selections and conditions\n"
             "that were never true, or never false",
     .manual =
         "Tell which selections, and which conditions, no test has shown true, or false, and how much of "
         "all that is covered.\n",
     .apply = enable<&TestOptions::coverage>},
    {.group = kGroup,
     .name = "threshold",
     .value = "N",
     .help = "exit 1 if less than N percent is covered",
     .manual = "Exit status 1 if less than\n"
               ".Ar N\n"
               "percent is covered, from 0 to 100.\n",
     .apply = assign_percentage<&TestOptions::threshold>},
    {.group = kGroup,
     .name = "junit",
     .value = "FILE",
     .help = "write the results as JUnit's XML, too",
     .manual =
         "Write the results to this file, too, in the XML of JUnit that continuous integration reads.\n",
     .apply = assign<&TestOptions::junit>},
    {.group = kGroup,
     .name = "tap",
     .help = "print the results in the Test Anything Protocol",
     .manual = "Print the results in the Test Anything Protocol, version 14.\n",
     .apply = enable<&TestOptions::tap>},
    {.group = kGroup,
     .name = "watch",
     .help = "run them again whenever a rule file changes",
     .manual = "Run the tests again whenever a rule file or a directory of them changes, until\n"
               ".Cm q\n"
               "is typed or it is interrupted.\n"
               "Mistakes in the rules end nothing then.\n",
     .apply = enable<&TestOptions::watch>},
};

// Whether enough is covered.
bool tell_coverage(const TestOptions& options, const GoodRules& rules,
                   const std::vector<RuleTestResult>& results, Output& output) {
  const auto covered = cover_rules(rules.document, *rules.set, results);
  if (options.coverage && !options.tap) output.write(coverage_text(covered));
  const CoverageTotal total = total_of(covered);
  // By whole outcomes: a rounded percentage would let something through.
  if (!options.threshold || total.outcomes * 100 >= size_t{*options.threshold} * total.possible) return true;
  log::error("coverage is below " + std::to_string(*options.threshold) +
             " %: " + with_separators(total.outcomes) + " of " + plural(total.possible, "outcome"));
  return false;
}

ExitStatus test_once(const TestOptions& options, Call& call) {
  const auto rules = load_good_rules(call);
  if (!rules) return exit_status_of(rules.error());
  const auto results = run_rule_tests(rules->set);
  bool good = true;
  for (const RuleTestResult& result : results) good &= result.passed();
  if (options.tap) {
    call.output.write(test_tap(results));
  } else if (!call.common.quiet || !good) {
    call.output.write(test_text(results, rules->set->rules().size() + rules->set->correlations().size()));
  }
  if (!options.junit.empty()) {
    if (Status status = write_junit(options.junit, results); !status) return fail(status.error());
  }
  if (options.coverage || options.threshold) good &= tell_coverage(options, *rules, results, call.output);
  return good ? ExitStatus::kDone : ExitStatus::kNo;
}

// Whatever the exit status of a run, the next change starts another.
ExitStatus watch_and_test(const TestOptions& options, Call& call) {
  const auto paths = rule_paths_of(call);
  if (!paths) return fail(paths.error());
  catch_stop_signals();
  const RawKeyboard keyboard(STDIN_FILENO);
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, call.common.color).is_terminal;
  for (;;) {
    // Before the rules are read: a change while they are tested is not missed.
    auto watch = RuleWatch::open(*paths);
    if (!watch) return fail(watch.error());
    if (on_terminal) call.output.write("\x1b[H\x1b[2J\x1b[3J");
    call.output.flush();
    const ExitStatus status = test_once(options, call);
    if (!call.common.quiet)
      call.output.write(keyboard.descriptor() < 0 ? "waiting for a change\n"
                                                  : "waiting for a change; q ends\n");
    call.output.flush();
    if (call.output.failed()) return status;
    const auto woken = watch->wait(keyboard.descriptor());
    if (!woken) return fail(woken.error());
    if (stop_requested())
      return stop_signal() == SIGTERM ? ExitStatus::kTerminated : ExitStatus::kInterrupted;
    if (!woken->changed) return status;
    if (!on_terminal) call.output.write(escape_text(woken->path) + " changed\n");
  }
}

ExitStatus test(const TestOptions& options, Call& call) {
  if (options.watch && options.tap) return fail_usage(call, "--watch and --tap exclude each other");
  return options.watch ? watch_and_test(options, call) : test_once(options, call);
}

}  // namespace

constexpr Command kTestCommand = {
    .name = "test",
    .arguments = "[PATH...]",
    .summary = "run the tests that stand beside the rules",
    .manual =
        "Run the tests that stand beside the rules\n"
        ".Pq Sq [[rule.test]]\n"
        "and tell those that fail.\n"
        "Each is judged as an event of its own by the engine that\n"
        ".Xr detectd 8\n"
        "runs.\n"
        "Without a\n"
        ".Ar PATH\n"
        "these are the shipped rules and those of the site.\n"
        "The exit status is 1 if a test fails.\n",
    .options = kTable,
    .run = run_command<TestOptions, test>,
};

}  // namespace detectd
