// What may stand in detectd.toml: every key once, with its kind and what is meant where it is not set.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace detectd {

enum class SettingKind : uint8_t {
  kBytes,     // "32MiB"
  kDuration,  // "5m"
  kRate,      // "5/min"; "0" is unlimited
  kCount,     // 100000
  kBoolean,
  kText,
  kPath,  // absolute
  kTime,  // "08:00"
  kPaths,
  kTexts,
  kPatterns,  // regular expressions
  kEventKinds,
  kChoice,
};

struct Setting {
  std::string_view key;  // "rules.paths"
  SettingKind kind{};
  std::string_view preset;   // the default, as TOML
  std::string_view choices;  // kChoice: separated by blanks
  std::string_view meaning;  // mdoc, one sentence a line
  // kBytes, kDuration: the largest that makes sense, and why.
  std::string_view at_most = {};
  std::string_view why_at_most = {};
};

// In the order of --print-config.
std::span<const Setting> settings();
// The keys of [[alert]], as "alert.type".
std::span<const Setting> alert_settings();
// Null if there is none of that key.
const Setting* find_setting(std::span<const Setting> table, std::string_view key);

// "32MiB" as a number; of a text that check_setting() accepts as kBytes.
uint64_t bytes_of(std::string_view text);

// The same of any text; nothing where it is no size.
std::optional<uint64_t> parse_bytes(std::string_view text);

// Kinds of sources that this version does not have; what to do instead.
std::optional<std::string> help_on_source(std::string_view kind);

// What detectd.toml(5) says of all keys, in mdoc.
std::string manual_settings();

struct SettingMistake {
  std::string code;
  std::string message;
  std::string help;
  // Where in the text, in bytes; of length 0: all of it.
  size_t offset = 0;
  size_t length = 0;
};
// Whether `text` may be the value, or an element of the value, of a setting.
std::optional<SettingMistake> check_setting(const Setting& setting, std::string_view text);

}  // namespace detectd
