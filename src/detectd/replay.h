// detectd --replay and detectd --check: rules and captures in, hits and an exit status out.
#pragma once

#include "src/detectd/config.h"
#include "src/detectd/options.h"
#include "src/exit_status.h"
#include "src/report/output.h"

namespace detectd {

ExitStatus check_rules(const Options& options, const Config& config, Output& output);
ExitStatus replay(const Options& options, const Config& config, Output& output);

}  // namespace detectd
