// Which host and which boot this is.
#pragma once

#include "engine/event.h"
#include "src/boot_clock.h"

namespace detectd {

// The machine id (machine-id(5)), the host's name, the boot's id, and when that was by the
// wall clock of now. What cannot be read stays empty.
CaptureHost read_host_identity();

// Now, as the header of a capture tells it: every process's start is counted from the boot that stands there.
ClockReading clocks_of(const CaptureHost& host);

}  // namespace detectd
