// detectctl doctor: whether all is there that a daemon needs, and what to do where it is not.
#include <unistd.h>

#include <algorithm>

#include "src/control/protocol.h"
#include "src/detectctl/commands.h"
#include "src/detectctl/doctor_checks.h"
#include "src/probe/probes.h"
#include "src/report/terminal.h"

namespace detectd {
namespace {

struct DoctorOptions {
  std::optional<std::string> config;
  std::optional<std::string> socket;
  bool json = false;
};

Status set_config(DoctorOptions& options, const std::string& value) {
  options.config = value;
  return {};
}

Status set_socket(DoctorOptions& options, const std::string& value) {
  options.socket = value;
  return {};
}

constexpr OptionRow kTable[] = {
    {.group = "Daemon",
     .letter = 'c',
     .name = "config",
     .value = "FILE",
     .help = "the daemon's configuration",
     .manual = "The configuration of the daemon; the default is\n.Pa /etc/detectd/detectd.toml .\n",
     .apply = set<set_config>},
    {.group = "Daemon",
     .name = "socket",
     .value = "PATH",
     .help = "where it answers, instead of control.path",
     .manual = "Where the daemon answers, instead of\n.Va control.path\nof the configuration.\n",
     .apply = set<set_socket>},
    {.group = "Output",
     .name = "json",
     .help = "JSON, an object a line",
     .manual = "Print JSON, an object a line.\n",
     .apply = enable<&DoctorOptions::json>},
};

std::vector<Finding> look_around(const DoctorOptions& options) {
  std::optional<Config> config;
  std::vector<Finding> findings = {check_capabilities(), check_clock()};
  const auto add = [&](std::vector<Finding> more) {
    std::move(more.begin(), more.end(), std::back_inserter(findings));
  };
  add(check_configuration(options.config, config));
  if (config) {
    add(check_rule_files(*config));
    add(check_database(*config));
    findings.push_back(check_disk(config->text("store.path")));
  }
  add(check_daemon(options.socket.value_or(config ? config->text("control.path") : kControlPath)));
  return findings;
}

ExitStatus doctor(const DoctorOptions& options, Call& call) {
  const std::vector<Finding> around = look_around(options);
  std::vector<Finding> findings;
  for (const auto attempt : kernel_probes()) findings.push_back(attempt());
  findings.insert(findings.end(), around.begin(), around.end());
  const ProbeLevels levels = levels_of(findings);
  const bool color = inspect_terminal(STDOUT_FILENO, call.common.color).color;
  call.output.write(options.json ? probe_json(findings, levels) : probe_table(findings, levels, color));
  if (!levels.collects) return ExitStatus::kSystem;
  const bool well =
      std::all_of(around.begin(), around.end(), [](const Finding& finding) { return finding.works; });
  return well ? ExitStatus::kDone : ExitStatus::kNo;
}

}  // namespace

const Command kDoctorCommand = {
    .name = "doctor",
    .arguments = "",
    .summary = "whether all is there that the daemon needs",
    .manual =
        "Try out which features of the kernel work here, as\n"
        ".Nm detectd Fl Fl probe\n"
        "does, and look at capabilities, the clock, the configuration, rules, the database, the disk "
        "and whether "
        "the daemon answers.\n"
        "What is missing stands there with what to do about it.\n"
        "The exit status is 5 where no live source works, 1 where something else is not as it should be; "
        "features of "
        "the kernel that detectd can do without change nothing.\n",
    .options = kTable,
    .run = run_command<DoctorOptions, doctor>,
};

}  // namespace detectd
