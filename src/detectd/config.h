// The configuration: one table of settings says what may stand in detectd.toml, of what kind it is, and what
// is meant where it is not set. Every value keeps where it came from. Described in detectd.toml(5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/result.h"
#include "src/rule_owners.h"

namespace detectd {

inline constexpr const char* kDefaultConfig = "/etc/detectd/detectd.toml";

struct Config {
  struct Value {
    std::string key;                 // "rules.paths"
    std::string toml;                // the value as TOML
    std::vector<std::string> texts;  // its elements; of what is no list the one that it is
    std::string origin;              // "default", "/etc/detectd/detectd.toml:7", "--rules"
    SourcePtr file = {};             // where it stands, if in a file
    Span span = {};
  };
  struct Alert {
    std::vector<Value> values;
    SourcePtr file;  // where it begins
    Span span;

    // By a key of [[alert]], `url`; null where it is not set.
    const Value* find(std::string_view key) const;
  };

  std::vector<Value> values;  // all settings, in the order of the table
  std::vector<Alert> alerts;  // [[alert]], of all files

  // By a key of the table, of a setting of that kind.
  const Value& find(std::string_view key) const;
  const std::vector<std::string>& texts(std::string_view key) const { return find(key).texts; }
  const std::string& text(std::string_view key) const { return find(key).texts.front(); }
  bool is_set(std::string_view key) const { return text(key) == "true"; }
  uint64_t count(std::string_view key) const;
  uint64_t bytes(std::string_view key) const;
  int64_t duration_ns(std::string_view key) const;

  // `text` is a value that check_setting() accepts.
  void set_text(std::string_view key, const std::string& text, const std::string& origin);
  void set_rule_paths(const std::vector<std::string>& paths, const std::string& origin);
  void set(const Value& value);

  // The keys whose values differ.
  std::vector<std::string> differences(const Config& other) const;
  bool has_same_alerts(const Config& other) const;
};

// Reads `path`, or the default where it is absent, and the drop-ins beside it. Mistakes in the text are
// diagnostics (D200 and up), all of them; a file that can not be read is an Error. `owners`, where there are some, are
// asked who else could have written the files.
Result<Config> load_config(const std::optional<std::string>& path, Diagnostics& diagnostics,
                           RuleOwners* owners = nullptr);

// The configuration as TOML, behind every value its origin.
std::string print_config(const Config& config);

}  // namespace detectd
