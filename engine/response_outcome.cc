#include "engine/response_outcome.h"

#include <charconv>

#include "engine/escape.h"

namespace detectd {
namespace {

constexpr std::string_view kBetween = ", ";

std::string_view take_part(std::string_view& rest) {
  const size_t end = rest.find(kBetween);
  const std::string_view part = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + kBetween.size());
  return part;
}

template <class Number>
std::optional<Number> number_before(std::string_view part, std::string_view unit) {
  Number number{};
  const auto read = std::from_chars(part.data(), part.data() + part.size(), number);
  if (read.ec != std::errc() || part.substr(static_cast<size_t>(read.ptr - part.data())) != unit)
    return std::nullopt;
  return number;
}

}  // namespace

std::string to_string(const ResponseOutcome& outcome) {
  std::string text(outcome.what);
  if (!outcome.level.empty()) text += std::string(kBetween) + std::string(outcome.level);
  if (outcome.after_us) text += std::string(kBetween) + std::to_string(*outcome.after_us) + " us";
  if (outcome.processes) text += std::string(kBetween) + std::to_string(*outcome.processes) + " processes";
  return text;
}

ResponseOutcome parse_response_outcome(std::string_view text) {
  std::string_view rest = text;
  ResponseOutcome outcome{.what = take_part(rest)};
  while (!rest.empty()) {
    const std::string_view part = take_part(rest);
    if (part == "reactive" || part == "at_exec" || part == "denied") {
      outcome.level = part;
    } else if (const auto time = number_before<int64_t>(part, " us")) {
      outcome.after_us = time;
    } else if (const auto count = number_before<uint64_t>(part, " processes")) {
      outcome.processes = count;
    } else {
      return {.what = text};
    }
  }
  return outcome;
}

void append_outcome_json(std::string_view text, std::string& out) {
  const ResponseOutcome outcome = parse_response_outcome(text);
  out += "\"outcome\":\"";
  append_json_escaped(outcome.what, out);
  out += '"';
  if (!outcome.level.empty()) out += ",\"level\":\"" + std::string(outcome.level) + '"';
  if (outcome.after_us) out += ",\"after_us\":" + std::to_string(*outcome.after_us);
  if (outcome.processes) out += ",\"processes\":" + std::to_string(*outcome.processes);
}

}  // namespace detectd
