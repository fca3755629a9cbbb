// The processes that run, with their ancestors that are gone, as lines for `detectctl tree`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/process.h"

namespace detectd {

// A line a process: {"type":"process","key":...,"parent":...,"pid":...,"name":...,"user":...,"command":...,"start":...,
// "gone":...}. `key` and `parent` identify a process beyond its pid. Parents come before their children. With a `pid`
// that process alone, with its ancestors and descendants. At most `max_bytes`, and then how many are left out.
std::string process_lines(const std::vector<std::shared_ptr<const Process>>& running,
                          std::optional<uint32_t> pid, size_t max_bytes);

}  // namespace detectd
