// detectctl check: all mistakes of rule files at once.
#include "src/detectctl/commands.h"
#include "src/log.h"
#include "src/rule_loading.h"

namespace detectd {
namespace {

struct CheckOptions {};

ExitStatus check(const CheckOptions&, Call& call) {
  const auto paths = rule_paths_of(call);
  if (!paths) return fail(paths.error());
  Diagnostics diagnostics;
  const auto document = load_rule_document(*paths, diagnostics);
  if (!document) return fail(document.error());
  const auto set = RuleSet::compile(*document, diagnostics);
  log::show(diagnostics);
  if (!call.common.quiet) {
    call.output.write(checked_text(document->rules.size(), diagnostics, *set) + "\n");
  }
  return diagnostics.errors() == 0 ? ExitStatus::kDone : ExitStatus::kRules;
}

}  // namespace

constexpr Command kCheckCommand = {
    .name = "check",
    .arguments = "[PATH...]",
    .summary = "tell all mistakes in rule files",
    .manual =
        "Check rule files, and directories of them, and tell all mistakes of all files.\n"
        "Without a\n"
        ".Ar PATH\n"
        "the shipped rules and those of the site are checked.\n",
    .run = run_command<CheckOptions, check>,
};

}  // namespace detectd
