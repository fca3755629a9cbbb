// How a daemon fares, for people and for node_exporter.
#pragma once

#include <string>

#include "src/control/daemon_status.h"

namespace detectd {

// A dozen lines, everything escaped, times in the zone that is in use (report/time_zone.h).
std::string status_text(const DaemonStatus& status);

// Prometheus's text exposition format, version 0.0.4.
std::string status_metrics(const DaemonStatus& status);
// Where none answers.
std::string metrics_of_nobody();

}  // namespace detectd
