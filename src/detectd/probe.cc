#include "src/detectd/probe.h"

#include <unistd.h>

#include "src/probe/probes.h"
#include "src/report/terminal.h"

namespace detectd {

ExitStatus probe(const Options& options, Output& output) {
  std::vector<Finding> findings;
  for (const auto attempt : kernel_probes()) findings.push_back(attempt());
  const ProbeLevels levels = levels_of(findings);
  const bool json = options.output == OutputFormat::kJson || options.log_format == LogFormat::kJson;
  const bool color = inspect_terminal(STDOUT_FILENO, options.color).color;
  output.write(json ? probe_json(findings, levels) : probe_table(findings, levels, color));
  output.flush();
  return levels.collects ? ExitStatus::kDone : ExitStatus::kSystem;
}

}  // namespace detectd
