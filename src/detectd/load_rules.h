// The rules that the command line and the configuration name, ready to run.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/diagnostic.h"
#include "engine/result.h"
#include "engine/rule.h"
#include "engine/rule_set.h"
#include "src/detectd/config.h"
#include "src/detectd/options.h"
#include "src/rule_owners.h"

namespace detectd {

struct LoadedRules {
  size_t checked = 0;
  RuleDocument document;  // of those that were selected
  std::shared_ptr<const RuleSet> set;
  size_t running = 0;  // of `set`, without built-in ones
};

// Rules besides those of files, and who may own the files.
struct RuleLoading {
  RuleOwners* owners = nullptr;  // null: anybody
  SourcePtr built_in;            // null: none
  bool no_exec_checks = false;   // execs are not judged before they happen: `fallback` instead of `deny`
};

// All mistakes of all files are in `diagnostics`; an Error is the system's, or one of --only and --skip.
Result<LoadedRules> load_rules(const Options& options, const Config& config, Diagnostics& diagnostics,
                               const RuleLoading& loading = {});
// The same, with everything told that went wrong; an Error also where there are mistakes or no rules at all, which says
// what was told.
Result<LoadedRules> load_rules_to_run(const Options& options, const Config& config, Diagnostics& diagnostics,
                                      const RuleLoading& loading = {});

}  // namespace detectd
