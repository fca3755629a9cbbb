// detectd: rules against process events. See detectd(8).
#include <unistd.h>

#include <optional>

#include "src/detectd/alert_check.h"
#include "src/detectd/config.h"
#include "src/detectd/options.h"
#include "src/detectd/probe.h"
#include "src/detectd/replay.h"
#include "src/detectd/watch.h"
#include "src/exit_status.h"
#include "src/log.h"
#include "src/program.h"
#include "src/report/output.h"
#include "src/report/terminal.h"
#include "src/report/time_zone.h"
#include "src/rule_owners.h"
#include "src/stop.h"

namespace detectd {
namespace {

void set_up_log(const Options& options) {
  log::set_up({.json = options.log_format == LogFormat::kJson,
               .color = inspect_terminal(STDERR_FILENO, options.color).color,
               .quiet = options.quiet,
               .verbose = options.verbose});
}

ExitStatus fail(const Error& error) {
  log::error(error.message);
  return exit_status_of(error);
}

Status set_up_time_zone(const Options& options) {
  const bool on_terminal = inspect_terminal(STDOUT_FILENO, options.color).is_terminal;
  Status status = use_time_zone(options.tz.value_or(on_terminal ? "local" : "UTC"));
  if (!status) return std::move(status.error()).within("--tz");
  return {};
}

// Whom the configuration must be safe from: everybody but root where root watches, or asks whether he could. A file that
// is named to be checked may still be somebody's draft.
std::optional<RuleOwners> owners_of_configuration(const Options& options, Diagnostics& diagnostics) {
  if (geteuid() != 0 || !options.captures.empty() || options.print_config) return std::nullopt;
  const bool is_draft = options.check && options.config;
  return RuleOwners(0, diagnostics,
                    is_draft ? RuleOwners::Strictness::kWarn : RuleOwners::Strictness::kRefuse,
                    RuleOwners::Subject::kConfiguration);
}

ExitStatus run_task(const Options& options, Output& output) {
  if (options.probe) return probe(options, output);
  Diagnostics diagnostics;
  std::optional<RuleOwners> owners = owners_of_configuration(options, diagnostics);
  Result<Config> config = load_config(options.config, diagnostics, owners ? &*owners : nullptr);
  log::show(diagnostics);
  if (!config) return fail(config.error());
  if (diagnostics.errors() != 0 && !options.check) return ExitStatus::kRules;
  if (!options.rules.empty()) config->set_rule_paths(options.rules, "--rules");
  if (options.source) config->set_text("source.kind", *options.source, "--source");
  if (options.print_config) {
    output.write(print_config(*config));
    return ExitStatus::kDone;
  }
  if (options.check) {
    Diagnostics of_alerts;
    if (diagnostics.errors() == 0) check_alerts(*config, of_alerts);
    log::show(of_alerts);
    const bool is_good = diagnostics.errors() + of_alerts.errors() == 0;
    std::vector<ExitStatus> statuses = {is_good ? ExitStatus::kDone : ExitStatus::kRules};
    statuses.push_back(check_rules(options, *config, output));
    return first_of(statuses);
  }
  if (Status status = set_up_time_zone(options); !status) return fail(status.error());
  catch_stop_signals();
  return options.captures.empty() ? watch(options, *config, output) : replay(options, *config, output);
}

ExitStatus run(const std::vector<std::string>& words, Output& output) {
  const Result<Options> options = parse_options(words);
  if (!options) {
    log::set_up({.json = wants_json_log(words)});
    return fail(options.error());
  }
  set_up_log(*options);
  if (options->help) {
    output.write(help_text());
  } else if (options->version) {
    output.write("detectd " DETECTD_VERSION "\n");
  } else {
    return run_task(*options, output);
  }
  return ExitStatus::kDone;
}

}  // namespace
}  // namespace detectd

int main(int argc, char** argv) { return detectd::run_program(argc, argv, detectd::run); }
