// Times as text. Everywhere else a time is nanoseconds since 1970-01-01T00:00:00Z.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

inline constexpr int64_t kNanosPerSecond = 1'000'000'000;

// RFC 3339: `2026-11-20T14:03:07.112Z`, any offset, 0 to 9 digits of fraction (more are cut), `T`, `t` or
// a blank between. Nothing for any other text, and for a year whose nanoseconds int64 cannot hold
// (before 1678, after 2261). A leap second (`:60`) is the next second's first instant.
std::optional<int64_t> parse_rfc3339(std::string_view text);

// `2026-11-20T14:03:07.112000000Z`, with `digits` (0 to 9) of fraction, cut and not rounded.
std::string format_rfc3339(int64_t time_ns, int digits = 9);

// A UTC instant in its parts.
struct CivilTime {
  int year = 1970;
  int month = 1;  // 1 to 12
  int day = 1;    // 1 to 31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int iso_week = 1;  // 1 to 53, of ISO 8601
};
CivilTime civil_time(int64_t time_ns);

}  // namespace detectd
