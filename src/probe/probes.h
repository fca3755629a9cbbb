// Which features of the kernel work here: each is tried out. An attempt is harmless, ends by itself within two seconds,
// and closes what it opens.
#pragma once

#include <span>

#include "src/probe/probe_report.h"

namespace detectd {

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
