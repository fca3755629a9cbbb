// Times as people write and read them, in a zone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/result.h"

namespace detectd {

// Makes `zone` ("UTC", "local", "Europe/Berlin") the zone of the functions below. A zone of this program,
// not of a value: the C library knows only one at a time. Errc::kUsage for a zone that does not exist.
Status use_time_zone(std::string_view zone);

// `2026-11-20T14:03:07.112Z`, `2026-11-20T15:03:07.112+01:00`. `digits` of the fraction.
std::string format_time(int64_t time_ns, int digits = 3);
// `2026-11-20` and `14:03:07Z`.
std::string format_date(int64_t time_ns);
std::string format_time_of_day(int64_t time_ns);

// What the zone is ahead of UTC at that time.
int64_t zone_offset_ns(int64_t time_ns);

// RFC 3339; `2026-11-21 10:00:30`, `2026-11-21 10:00` and `2026-11-21` in the zone; `now`, `today`,
// `yesterday`; `-2h`, back from `now_ns`.
std::optional<int64_t> parse_time(std::string_view text, int64_t now_ns);

}  // namespace detectd
