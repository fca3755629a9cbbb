#include "src/respond/rate.h"

#include <charconv>

namespace detectd {

std::optional<ResponseRate> parse_rate(std::string_view text) {
  constexpr uint64_t kMaxCount = 1'000'000;
  constexpr int64_t kSecondNs = 1'000'000'000;
  if (text == "0") return ResponseRate{};
  ResponseRate rate;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, rate.count);
  if (error != std::errc{} || rate.count == 0 || rate.count > kMaxCount) return std::nullopt;
  const std::string_view unit(after, static_cast<size_t>(end - after));
  if (unit == "/s") {
    rate.period_ns = kSecondNs;
  } else if (unit == "/min") {
    rate.period_ns = 60 * kSecondNs;
  } else if (unit == "/h") {
    rate.period_ns = 3600 * kSecondNs;
  } else {
    return std::nullopt;
  }
  return rate;
}

}  // namespace detectd
