// What ends a run from outside: SIGINT, SIGTERM, or that its time is up. A blocked read(2) is
// interrupted; whoever reads asks stop_requested() then.
#pragma once

#include <cstdint>

namespace detectd {

// A second SIGINT ends the program at once.
void catch_stop_signals();
// As if the user had stopped the run after `timeout_ns`.
void stop_after(int64_t timeout_ns);

bool stop_requested();
// SIGINT or SIGTERM; 0 if none came.
int stop_signal();

}  // namespace detectd
