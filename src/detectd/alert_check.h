// What [[alert]] names outside of the configuration: files, programs and users.
#pragma once

#include "engine/diagnostic.h"
#include "src/detectd/config.h"

namespace detectd {

// Of a configuration without mistakes: what is not there, or can not be used, with its place. Nobody is asked who could
// keep one waiting: no receiver, no name of a host.
void check_alerts(const Config& config, Diagnostics& diagnostics);

}  // namespace detectd
