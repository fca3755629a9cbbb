// detectd without --replay: watches this host until it is told to stop.
#pragma once

#include "src/detectd/config.h"
#include "src/detectd/options.h"
#include "src/exit_status.h"
#include "src/report/output.h"

namespace detectd {

ExitStatus watch(const Options& options, const Config& config, Output& output);

}  // namespace detectd
