#include "src/detectd/settings.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/event_kind.h"
#include "engine/regex.h"
#include "engine/rule_parser.h"
#include "src/text.h"

namespace detectd {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find(separator), text.size());
    parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::optional<uint64_t> take_number(std::string_view& text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return number;
}

bool is_bytes(std::string_view text) {
  const std::optional<uint64_t> number = take_number(text);
  return number && *number > 0 && *number < (uint64_t{1} << 20) &&
         (text == "KiB" || text == "MiB" || text == "GiB");
}

bool is_rate(std::string_view text) {
  if (text == "0") return true;
  const std::optional<uint64_t> number = take_number(text);
  return number && *number > 0 && *number <= 1'000'000 && (text == "/s" || text == "/min" || text == "/h");
}

bool is_time_of_day(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() != 2 || parts[0].size() != 2 || parts[1].size() != 2) return false;
  std::string_view hour = parts[0], minute = parts[1];
  const auto h = take_number(hour), m = take_number(minute);
  return h && m && hour.empty() && minute.empty() && *h < 24 && *m < 60;
}

std::optional<SettingMistake> check_choice(const Setting& setting, std::string_view text) {
  if (setting.key == "source.kind") {
    if (const auto help = help_on_source(text))
      return SettingMistake{"D203", quoted(text) + " is not built into this version", *help};
  }
  const std::vector<std::string_view> choices = split(setting.choices, ' ');
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::nullopt;
  std::string list;
  for (const std::string_view choice : choices) {
    if (!list.empty()) list += ", ";
    list += "`" + std::string(choice) + "`";
  }
  return SettingMistake{"D203", quoted(text) + " is not one of " + list, did_you_mean(text, choices)};
}

std::optional<SettingMistake> check_event_kind(std::string_view text) {
  if (find_event_kind(text)) return std::nullopt;
  std::vector<std::string_view> kinds;
  for (size_t i = 0; i < static_cast<size_t>(EventKind::kOther); ++i) {
    kinds.push_back(to_string(static_cast<EventKind>(i)));
  }
  return SettingMistake{"D203", quoted(text) + " is not a kind of event", did_you_mean(text, kinds)};
}

std::optional<SettingMistake> unless(bool good, const char* code, std::string_view text,
                                     std::string_view what, std::string_view help) {
  if (good) return std::nullopt;
  return SettingMistake{code, quoted(text) + " is not " + std::string(what), std::string(help)};
}

// `text` is a size or a duration.
bool is_beyond(const Setting& setting, std::string_view text) {
  if (setting.at_most.empty()) return false;
  if (setting.kind == SettingKind::kBytes) return bytes_of(text) > bytes_of(setting.at_most);
  return parse_duration(text).value_or(0) > parse_duration(setting.at_most).value_or(0);
}

std::optional<SettingMistake> check_amount(const Setting& setting, std::string_view text, bool is_amount,
                                           std::string_view what, std::string_view help) {
  if (auto mistake = unless(is_amount, "D201", text, what, help)) return mistake;
  if (!is_beyond(setting, text)) return std::nullopt;
  const std::string most(setting.at_most);
  return SettingMistake{
      "D201", quoted(text) + " is more than `" + most + "`, the most that " + quoted(setting.key) + " may be",
      std::string(setting.why_at_most)};
}

std::optional<SettingMistake> check_pattern(std::string_view text) {
  const auto compiled = Regex::compile(text, {});
  const auto* error = std::get_if<RegexError>(&compiled);
  if (error == nullptr) return std::nullopt;
  // What helps in a rule, a selection of its own, does not exist here.
  const std::string help = error->code == "D031" ? "" : error->help;
  return SettingMistake{error->code, error->message, help, error->offset, error->length};
}

}  // namespace

const Setting* find_setting(std::span<const Setting> table, std::string_view key) {
  const auto found =
      std::find_if(table.begin(), table.end(), [key](const Setting& setting) { return setting.key == key; });
  return found == table.end() ? nullptr : &*found;
}

uint64_t bytes_of(std::string_view text) {
  const uint64_t number = take_number(text).value_or(0);
  const unsigned shift = text == "KiB" ? 10 : text == "MiB" ? 20 : 30;
  return number << shift;
}

std::optional<std::string> help_on_source(std::string_view kind) {
  if (kind != "audit") return std::nullopt;
  return "use `ebpf` or `connector`, or `procfs` where these can not be had";
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  if (!is_bytes(text)) return std::nullopt;
  return bytes_of(text);
}

std::optional<SettingMistake> check_setting(const Setting& setting, std::string_view text) {
  switch (setting.kind) {
    case SettingKind::kBytes:
      return check_amount(setting, text, is_bytes(text), "a size",
                          "write a number and KiB, MiB or GiB: \"64MiB\"");
    case SettingKind::kDuration:
      return check_amount(setting, text, parse_duration(text).has_value(), "a duration",
                          "write a number and ms, s, m, h or d: \"5m\"");
    case SettingKind::kRate:
      return unless(is_rate(text), "D201", text, "a rate",
                    "write a number and /s, /min or /h: \"5/min\"; \"0\" is unlimited");
    case SettingKind::kTime:
      return unless(is_time_of_day(text), "D201", text, "a time of day", "write \"08:00\"");
    case SettingKind::kPath:
    case SettingKind::kPaths:
      return unless(text.substr(0, 1) == "/", "D202", text, "an absolute path",
                    "begin it with /: a daemon has no directory of its own");
    case SettingKind::kChoice: return check_choice(setting, text);
    case SettingKind::kEventKinds: return check_event_kind(text);
    case SettingKind::kPatterns: return check_pattern(text);
    case SettingKind::kCount:
    case SettingKind::kBoolean:
    case SettingKind::kText:
    case SettingKind::kTexts: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace detectd
