// Times on the command line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

// What the value of an option such as --from means, in the zone that is in use (report/time_zone.h). False, and D500
// told, for what is no time; absent stays absent.
bool read_time(std::string_view option, const std::optional<std::string>& text,
               std::optional<int64_t>& time_ns);

}  // namespace detectd
