#include "src/report/time_zone.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "engine/escape.h"
#include "engine/rule_parser.h"
#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr std::string_view kZoneDirectory = "/usr/share/zoneinfo/";

bool is_zone_name(std::string_view zone) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
           c == '_' || c == '-' || c == '+';
  };
  return !zone.empty() && zone.size() < 64 && zone.front() != '/' &&
         std::all_of(zone.begin(), zone.end(), allowed);
}

// An unknown name is UTC to the C library, without a word.
bool zone_exists(std::string_view zone) {
  struct stat status {};
  const std::string path = std::string(kZoneDirectory) + std::string(zone);
  return is_zone_name(zone) && stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

int64_t floor_seconds(int64_t time_ns) {
  const int64_t seconds = time_ns / kNanosPerSecond;
  return time_ns % kNanosPerSecond < 0 ? seconds - 1 : seconds;
}

std::tm local_time(int64_t time_ns) {
  const auto seconds = static_cast<time_t>(floor_seconds(time_ns));
  std::tm parts{};
  localtime_r(&seconds, &parts);
  return parts;
}

std::string offset_text(const std::tm& parts) {
  if (parts.tm_gmtoff == 0) return "Z";
  const long minutes = std::labs(parts.tm_gmtoff) / 60;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%c%02ld:%02ld", parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                minutes % 60);
  return text.data();
}

std::string format_parts(const std::tm& parts, const char* format) {
  std::array<char, 64> text{};
  const size_t size = std::strftime(text.data(), text.size(), format, &parts);
  return {text.data(), size};
}

std::optional<int64_t> to_nanoseconds(std::tm parts) {
  parts.tm_isdst = -1;
  const int64_t seconds = std::mktime(&parts);
  if (seconds > 9'200'000'000 || seconds < -9'200'000'000) return std::nullopt;
  return seconds * kNanosPerSecond;
}

std::optional<int64_t> midnight(int64_t time_ns, int days_before) {
  std::tm parts = local_time(time_ns);
  parts.tm_hour = parts.tm_min = parts.tm_sec = 0;
  parts.tm_mday -= days_before;
  return to_nanoseconds(parts);
}

std::optional<int64_t> parse_civil(std::string_view text) {
  for (const char* format : {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"}) {
    std::tm parts{};
    const std::string copy(text);
    const char* end = strptime(copy.c_str(), format, &parts);
    if (end == nullptr || *end != '\0' || end != copy.c_str() + copy.size()) continue;
    const std::tm written = parts;
    const std::optional<int64_t> time_ns = to_nanoseconds(parts);
    // 31 February is not the 3rd of March.
    if (time_ns && local_time(*time_ns).tm_mday != written.tm_mday) return std::nullopt;
    return time_ns;
  }
  return std::nullopt;
}

}  // namespace

Status use_time_zone(std::string_view zone) {
  if (zone != "local") {
    if (zone != "UTC" && !zone_exists(zone)) {
      return Error{Errc::kUsage, "unknown time zone `" + escape_text(zone) +
                                     "`; use UTC, local or a name such as Europe/Berlin"};
    }
    setenv("TZ", zone == "UTC" ? "UTC0" : std::string(zone).c_str(), 1);
  }
  tzset();
  return {};
}

std::string format_time(int64_t time_ns, int digits) {
  const std::tm parts = local_time(time_ns);
  const std::string utc = format_rfc3339(time_ns, digits);  // for its fraction
  const size_t dot = utc.find('.');
  std::string text = format_parts(parts, "%Y-%m-%dT%H:%M:%S");
  if (dot != std::string::npos) text.append(utc, dot, utc.size() - 1 - dot);
  return text + offset_text(parts);
}

std::string format_date(int64_t time_ns) { return format_parts(local_time(time_ns), "%Y-%m-%d"); }

std::string format_time_of_day(int64_t time_ns) {
  const std::tm parts = local_time(time_ns);
  return format_parts(parts, "%H:%M:%S") + offset_text(parts);
}

int64_t zone_offset_ns(int64_t time_ns) { return local_time(time_ns).tm_gmtoff * kNanosPerSecond; }

std::optional<int64_t> parse_time(std::string_view text, int64_t now_ns) {
  if (text == "now") return now_ns;
  if (text == "today") return midnight(now_ns, 0);
  if (text == "yesterday") return midnight(now_ns, 1);
  if (!text.empty() && text.front() == '-') {
    const std::optional<int64_t> back_ns = parse_duration(text.substr(1));
    if (!back_ns) return std::nullopt;
    return now_ns - *back_ns;
  }
  if (const std::optional<int64_t> time_ns = parse_rfc3339(text)) return time_ns;
  return parse_civil(text);
}

}  // namespace detectd
