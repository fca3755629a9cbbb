// What the name of a control group tells: the unit of systemd, the container and what runs it. Names are
// given by whoever makes the group: root, or a user for groups below the own.
#pragma once

#include <string>
#include <string_view>

namespace detectd {

// The views point into the text or are literals.
struct CgroupPlace {
  std::string_view path;               // empty: the text has none
  std::string unit;                    // `ssh.service`; empty: of none
  std::string_view container_id;       // empty: in none
  std::string_view container_runtime;  // docker, containerd, podman, cri-o, nspawn, lxc; empty: not told
};

// The text of /proc/PID/cgroup. Of the hierarchies the unified one counts; where it says nothing (its root),
// systemd's own of version 1, then the one that names a container, else the deepest.
CgroupPlace parse_cgroup(std::string_view text);

}  // namespace detectd
