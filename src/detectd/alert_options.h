// [[alert]] of a configuration: whether it makes sense, and what it says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/rule.h"
#include "src/detectd/config.h"

namespace detectd {

enum class SinkType : uint8_t { kJournal, kSyslog, kJsonFile, kWebhook, kCommand, kUnixSocket };
std::string_view to_string(SinkType type);

// One of them, as it is meant. Texts that are not set are empty.
struct AlertOptions {
  SinkType type = SinkType::kJournal;
  std::string name;
  Level level = Level::kInformational;
  std::vector<std::string> tags, rules;  // none: all
  std::string url, url_file, headers_file, body, ca_file, path, user;
  std::vector<std::string> command;
  uint64_t max_bytes = uint64_t{100} << 20;
  int64_t timeout_ns = 0;
  int64_t retry_for_ns = 0;
  std::string rate;
  std::optional<int64_t> every_ns, heartbeat_ns;
  std::optional<int> at_minute;
};

struct AlertMistake {
  std::string key;  // "url"; empty: the table itself
  std::string code;
  std::string message;
  std::string help;
};
// What is wrong with one whose values are good, each by itself.
std::vector<AlertMistake> check_alert(const Config::Alert& alert);

// At the key that it is about, or at the table.
void complain_of_alert(const Config::Alert& alert, AlertMistake mistake, Diagnostics& diagnostics);
// Two of one name.
void check_alert_names(const Config& config, Diagnostics& diagnostics);

// As Config::alerts, which are without a mistake.
std::vector<AlertOptions> alert_options(const Config& config);

// `tls://HOST:PORT`, `tcp://[::1]:PORT`.
struct SyslogUrl {
  bool tls = false;
  std::string host, port;
};
std::optional<SyslogUrl> parse_syslog_url(std::string_view text);

}  // namespace detectd
