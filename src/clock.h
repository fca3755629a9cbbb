// The one place that asks what time it is. With SOURCE_DATE_EPOCH set the wall clock stands still there and
// durations are told as 0, so that output can be reproduced to the byte.
#pragma once

#include <cstdint>

namespace detectd {

// Nanoseconds since 1970-01-01T00:00:00Z.
int64_t wall_clock_ns();

// Nanoseconds of a clock that only goes forward; to measure and to wait, never stopped.
int64_t steady_clock_ns();

// Nanoseconds that the processor worked for the calling thread: what it did for others meanwhile is not in them.
int64_t thread_cpu_ns();
// What two calls of it tell to be between them where nothing is.
int64_t thread_cpu_resolution_ns();

// What passed since steady_clock_ns() gave `start_ns`, to be told to people.
int64_t shown_elapsed_ns(int64_t start_ns);

}  // namespace detectd
