// The configuration: one table of settings says what may stand in detectd.toml, of what kind it is, and what
// is meant where it is not set. Every value keeps where it came from. Described in detectd.toml(5).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/result.h"

namespace detectd {

inline constexpr const char* kDefaultConfig = "/etc/detectd/detectd.toml";

struct Config {
  struct Value {
    std::string key;     // "rules.paths"
    std::string toml;    // the value as TOML
    std::string origin;  // "default", "/etc/detectd/detectd.toml:7", "--rules"
  };
  struct Alert {
    std::vector<Value> values;
  };

  std::vector<Value> values;  // all settings, in the order of the table
  std::vector<Alert> alerts;  // [[alert]], of all files

  // What a replay uses of them.
  std::vector<std::string> rule_paths;
  size_t max_processes = 0;
  size_t correlation_memory_bytes = 0;
  std::vector<std::string> redact;  // regular expressions

  const Value& find(std::string_view key) const;
  void set_rule_paths(const std::vector<std::string>& paths, const std::string& origin);
};

// Reads `path`, or the default where it is absent, and the drop-ins beside it. Mistakes in the text are
// diagnostics (D200 and up), all of them; a file that can not be read is an Error.
Result<Config> load_config(const std::optional<std::string>& path, Diagnostics& diagnostics);

// The configuration as TOML, behind every value its origin.
std::string print_config(const Config& config);

}  // namespace detectd
