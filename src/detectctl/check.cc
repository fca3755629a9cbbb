// detectctl check: all mistakes of rule files at once.
#include <unistd.h>

#include "engine/rule_lint.h"
#include "engine/rule_set.h"
#include "src/detectctl/check_report.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/rule_loading.h"
#include "src/log.h"
#include "src/rule_document.h"
#include "src/rule_owners.h"
#include "src/text.h"

namespace detectd {
namespace {

struct CheckOptions {
  bool json = false;
  bool sarif = false;
  bool deny_warnings = false;
};

Status set_deny(CheckOptions& options, const std::string& value) {
  if (value != "warnings") {
    return Error{Errc::kUsage, quoted(value) + " is not known; what can be denied is `warnings`"};
  }
  options.deny_warnings = true;
  return {};
}

constexpr std::string_view kGroup = "Options";

constexpr OptionRow kTable[] = {
    {.group = kGroup,
     .name = "deny",
     .value = "warnings",
     .help = "exit 3 also where there are only warnings",
     .manual = "With the argument\n"
               ".Cm warnings :\n"
               "exit status 3 also where there are only warnings.\n",
     .apply = set<set_deny>},
    {.group = kGroup,
     .name = "json",
     .help = "a JSON object a mistake, and one for the summary",
     .manual = "Print each mistake as a JSON object on a line of its own, and a summary as the last.\n",
     .apply = enable<&CheckOptions::json>},
    {.group = kGroup,
     .name = "sarif",
     .help = "one SARIF 2.1.0 document, for code review tools",
     .manual = "Print all mistakes as one SARIF 2.1.0 document, which code review tools read.\n",
     .apply = enable<&CheckOptions::sarif>},
};

ExitStatus check(const CheckOptions& options, Call& call) {
  if (options.json && options.sarif) return fail_usage(call, "--json and --sarif exclude each other");
  const auto paths = rule_paths_of(call);
  if (!paths) return fail(paths.error());
  Diagnostics diagnostics;
  RuleOwners owners(geteuid(), diagnostics, RuleOwners::Strictness::kWarn);
  const auto document = load_rule_document(*paths, diagnostics, &owners);
  if (!document) return fail(document.error());
  const auto set = RuleSet::compile(*document, diagnostics);
  lint_rules(*document, *set, diagnostics);
  diagnostics.sort();
  if (options.json) {
    call.output.write(check_json(diagnostics, document->rules_written, *set));
  } else if (options.sarif) {
    call.output.write(check_sarif(diagnostics));
  } else {
    log::show(diagnostics);
    if (!call.common.quiet) {
      call.output.write(checked_text(document->rules_written, diagnostics, *set) + "\n");
    }
  }
  const bool refused = diagnostics.errors() != 0 || (options.deny_warnings && diagnostics.warnings() != 0);
  return refused ? ExitStatus::kRules : ExitStatus::kDone;
}

}  // namespace

constexpr Command kCheckCommand = {
    .name = "check",
    .arguments = "[PATH...]",
    .summary = "tell all mistakes in rule files",
    .manual =
        "Check rule files, and directories of them, and tell all mistakes of all files.\n"
        "Each has a place, a code that\n"
        ".Cm explain\n"
        "describes, and most say what to do.\n"
        "Warnings are for what can be evaluated but is hardly meant, or easily evaded, and for files that "
        "others "
        "can write.\n"
        "Without a\n"
        ".Ar PATH\n"
        "the shipped rules and those of the site are checked.\n"
        "The exit status is 3 if there is an error.\n",
    .options = kTable,
    .run = run_command<CheckOptions, check>,
};

}  // namespace detectd
