// `detectd --probe`: tries out which features of the kernel work here. Each attempt is harmless, ends by itself within
// two seconds, and closes what it opens.
#pragma once

#include <span>

#include "src/detectd/options.h"
#include "src/detectd/probe_report.h"
#include "src/exit_status.h"
#include "src/report/output.h"

namespace detectd {

// kSystem where no live source works.
ExitStatus probe(const Options& options, Output& output);

// In the order in which they are shown.
std::span<Finding (*const)()> kernel_probes();

// What the kernel sends, asked for on sockets: netlink_probes.cc.
Finding probe_connector();
Finding probe_event_mask();
Finding probe_receive_buffer();
Finding probe_sock_diag();
Finding probe_taskstats();
Finding probe_audit();

}  // namespace detectd
