// Whether this process sees the host or a part of it: from within a pid or user namespace the connector stays silent
// or tells of processes under other numbers, and nothing would say so.
#pragma once

#include "engine/result.h"
#include "src/enrich/procfs.h"

namespace detectd {

// `procfs` is the root of a procfs. The error says which wall there is, and what to do about it.
Status check_host_view(int procfs);

// The last part of it: whether the processes of others can be seen at all. A procfs of our own hides none, whatever
// options /proc has; without one hidepid= may, or what is mounted over it.
Status check_visibility(Procfs& procfs);

}  // namespace detectd
