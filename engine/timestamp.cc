#include "engine/timestamp.h"

#include <chrono>

namespace detectd {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

// Reads exactly `digits` decimal digits from the front of `text`.
std::optional<int> take_number(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  unsigned value = 0;
  unsigned worst = 0;
  for (size_t i = 0; i < digits; ++i) {
    const unsigned digit = static_cast<unsigned char>(text[i]) - unsigned{'0'};
    worst = digit > worst ? digit : worst;
    value = value * 10 + digit;
  }
  if (worst > 9) return std::nullopt;
  text.remove_prefix(digits);
  return static_cast<int>(value);
}

// More than 99 where they are none.
unsigned two_digits(const char* text) {
  const unsigned tens = static_cast<unsigned char>(text[0]) - unsigned{'0'};
  const unsigned ones = static_cast<unsigned char>(text[1]) - unsigned{'0'};
  return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

template <class... Chars>
bool take(std::string_view& text, Chars... any_of) {
  if (text.empty() || !((text.front() == any_of) || ...)) return false;
  text.remove_prefix(1);
  return true;
}

// Seconds east of UTC.
std::optional<int64_t> take_offset(std::string_view& text) {
  if (take(text, 'Z', 'z')) return 0;
  const bool west = !text.empty() && text.front() == '-';
  if (!take(text, '+', '-')) return std::nullopt;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_number(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const int64_t seconds = *hours * 3600 + *minutes * 60;
  return west ? -seconds : seconds;
}

// Nanoseconds; digits after the ninth are read and dropped.
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int64_t value = 0;
  size_t digits = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    if (digits < 9) value = value * 10 + (text.front() - '0');
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) return std::nullopt;
  for (; digits < 9; ++digits) value *= 10;
  return value;
}

// By hand, since every exec has a start to be told.
void put_number(std::string& text, size_t at, size_t digits, int64_t value) {
  for (size_t i = digits; i-- > 0; value /= 10) text[at + i] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  // As far as the seconds all is in its place.
  constexpr std::string_view kShortest = "1970-01-01T00:00:00Z";
  if (text.size() < kShortest.size()) return std::nullopt;
  const char* const at = text.data();
  if (at[4] != '-' || at[7] != '-' || at[13] != ':' || at[16] != ':') return std::nullopt;
  if (at[10] != 'T' && at[10] != 't' && at[10] != ' ') return std::nullopt;
  const unsigned century = two_digits(at);
  const unsigned of_century = two_digits(at + 2);
  const unsigned month = two_digits(at + 5);
  const unsigned day = two_digits(at + 8);
  const unsigned hour = two_digits(at + 11);
  const unsigned minute = two_digits(at + 14);
  const unsigned second = two_digits(at + 17);
  if (century > 99 || of_century > 99 || month > 12 || day > 31) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  text.remove_prefix(kShortest.size() - 1);
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto offset = take_offset(text);
  if (!offset || !text.empty()) return std::nullopt;

  const auto year = static_cast<int>(century * 100 + of_century);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok() || year < 1678 || year > 2261) return std::nullopt;
  const int64_t date_s = int64_t{sys_days(date).time_since_epoch().count()} * 86'400;
  const int64_t time_s = date_s + int64_t{hour} * 3600 + int64_t{minute} * 60 + second - *offset;
  return time_s * kNanosPerSecond + *fraction;
}

CivilTime civil_time(int64_t time_ns) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(time_ns)};
  const auto midnight = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(midnight);
  const auto since_midnight_s = std::chrono::duration_cast<std::chrono::seconds>(time - midnight).count();

  CivilTime civil;
  civil.year = int(date.year());
  civil.month = static_cast<int>(unsigned(date.month()));
  civil.day = static_cast<int>(unsigned(date.day()));
  civil.hour = static_cast<int>(since_midnight_s / 3600);
  civil.minute = static_cast<int>(since_midnight_s / 60 % 60);
  civil.second = static_cast<int>(since_midnight_s % 60);
  // A week belongs to the year that its Thursday is in.
  const auto monday_first = std::chrono::weekday(midnight).iso_encoding();  // 1 to 7
  const sys_days thursday = midnight + days(4 - static_cast<int>(monday_first));
  const std::chrono::year_month_day thursday_date(thursday);
  const sys_days new_year = sys_days(thursday_date.year() / 1 / 1);
  civil.iso_week = static_cast<int>((thursday - new_year).count() / 7 + 1);
  return civil;
}

std::string format_rfc3339(int64_t time_ns, int digits) {
  const CivilTime t = civil_time(time_ns);
  int64_t fraction = time_ns % kNanosPerSecond;
  if (fraction < 0) fraction += kNanosPerSecond;
  // Each year that nanoseconds reach has four digits.
  std::string text = "0000-00-00T00:00:00.000000000";
  put_number(text, 0, 4, t.year);
  put_number(text, 5, 2, t.month);
  put_number(text, 8, 2, t.day);
  put_number(text, 11, 2, t.hour);
  put_number(text, 14, 2, t.minute);
  put_number(text, 17, 2, t.second);
  put_number(text, 20, 9, fraction);
  text.resize(text.size() - static_cast<size_t>(digits == 0 ? 10 : 9 - digits));
  text += 'Z';
  return text;
}

}  // namespace detectd
