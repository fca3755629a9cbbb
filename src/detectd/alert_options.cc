#include "src/detectd/alert_options.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/rule_parser.h"
#include "src/detectd/settings.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr std::string_view kTypes[] = {"journal", "syslog", "json_file", "webhook", "command", "unix_socket"};

// Which of its keys only some types have.
struct KeyOfTypes {
  std::string_view key;
  std::string_view types;
};
constexpr KeyOfTypes kSpecial[] = {
    {"url", "syslog webhook"},     {"url_file", "webhook"},
    {"headers_file", "webhook"},   {"body", "webhook"},
    {"ca_file", "syslog webhook"}, {"path", "journal syslog json_file unix_socket"},
    {"max_size", "json_file"},     {"command", "command"},
    {"user", "command"},           {"timeout", "journal syslog webhook command unix_socket"},
};

std::string text_of(const Config::Alert& alert, std::string_view key, std::string_view preset = {}) {
  const Config::Value* const value = alert.find(key);
  return value != nullptr && !value->texts.empty() ? value->texts.front() : std::string(preset);
}

std::vector<std::string> texts_of(const Config::Alert& alert, std::string_view key) {
  const Config::Value* const value = alert.find(key);
  return value != nullptr ? value->texts : std::vector<std::string>();
}

std::optional<int64_t> duration_of(const Config::Alert& alert, std::string_view key) {
  return parse_duration(text_of(alert, key));
}

bool has_word(std::string_view words, std::string_view word) {
  for (size_t place = words.find(word); place != std::string_view::npos;
       place = words.find(word, place + 1)) {
    const size_t end = place + word.size();
    if ((place == 0 || words[place - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

bool is_this_host(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

// Between `//` and what follows it, without a port.
std::string_view host_of(std::string_view url) {
  url.remove_prefix(std::min(url.find("//") + 2, url.size()));
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.starts_with("[")) return url.substr(0, url.find(']') + 1);
  return url.substr(0, url.find(':'));
}

void check_webhook(const Config::Alert& alert, std::vector<AlertMistake>& mistakes) {
  const std::string url = text_of(alert, "url");
  const bool has_file = alert.find("url_file") != nullptr;
  if (url.empty() != has_file) {
    mistakes.push_back(
        url.empty() ? AlertMistake{"", "D205", "a webhook has no `url`",
                                   "say where it goes: url = \"https://alerts.example/hook\""}
                    : AlertMistake{"url_file", "D207", "`url` and `url_file` are given", "keep one of them"});
  }
  if (url.empty()) return;
  const std::string_view host = host_of(url);
  if (host.empty() || host.find('@') != std::string_view::npos ||
      url.find_first_of(" \t\n") != std::string::npos) {
    mistakes.push_back(
        {"url", "D207", quoted(url) + " is not a URL without a user",
         "write \"https://alerts.example/hook\"; what is secret goes into url_file or headers_file"});
  } else if (url.starts_with("http://") && !is_this_host(host)) {
    mistakes.push_back({"url", "D207", quoted(url) + " sends alerts unencrypted",
                        "use https://; http:// is for this host itself: 127.0.0.1, localhost"});
  } else if (!url.starts_with("https://") && !url.starts_with("http://")) {
    mistakes.push_back({"url", "D207", quoted(url) + " is not a URL of the web", "write \"https://...\""});
  }
}

void check_syslog(const Config::Alert& alert, std::vector<AlertMistake>& mistakes) {
  const std::string url = text_of(alert, "url");
  if (url.empty()) return;
  const auto parsed = parse_syslog_url(url);
  if (!parsed) {
    mistakes.push_back({"url", "D207", quoted(url) + " is not where a syslog server can be",
                        "write \"tls://HOST:6514\" or \"tcp://HOST:514\"; for this host's, leave it out"});
  } else if (alert.find("path") != nullptr) {
    mistakes.push_back({"path", "D207", "`url` and `path` are given", "keep one of them"});
  } else if (!parsed->tls && alert.find("ca_file") != nullptr) {
    mistakes.push_back(
        {"ca_file", "D207", "`ca_file` is for TLS, and this is TCP", "write url = \"tls://HOST:6514\""});
  }
}

void check_command(const Config::Alert& alert, std::vector<AlertMistake>& mistakes) {
  const std::vector<std::string> command = texts_of(alert, "command");
  if (command.empty()) {
    mistakes.push_back({"", "D205", "an alert of the type `command` has no `command`",
                        "say what to run: command = [\"/usr/local/bin/tell\", \"--now\"]"});
  } else if (!command.front().starts_with("/")) {
    mistakes.push_back({"command", "D202", quoted(command.front()) + " is not an absolute path",
                        "begin it with /: no shell looks for it"});
  }
}

void check_times(const Config::Alert& alert, std::vector<AlertMistake>& mistakes) {
  const auto every = duration_of(alert, "every");
  if (every && *every < 60 * kSecondNs)
    mistakes.push_back(
        {"every", "D207", "a digest more often than once a minute", "leave `every` out to be told each hit"});
  if (!every && alert.find("at") != nullptr)
    mistakes.push_back(
        {"at", "D207", "`at` is the time of a digest, and there is none", "add every = \"1d\""});
  const auto heartbeat = duration_of(alert, "heartbeat");
  if (heartbeat && *heartbeat < kSecondNs)
    mistakes.push_back({"heartbeat", "D207", "a sign of life more often than once a second", "write \"5m\""});
}

int minute_of(const std::string& time) {
  return std::stoi(time.substr(0, 2)) * 60 + std::stoi(time.substr(3));
}

AlertOptions read_options(const Config::Alert& alert) {
  AlertOptions options;
  const std::string type = text_of(alert, "type");
  options.type =
      static_cast<SinkType>(std::find(std::begin(kTypes), std::end(kTypes), type) - std::begin(kTypes));
  options.level = find_level(text_of(alert, "level")).value_or(Level::kInformational);
  options.tags = texts_of(alert, "tags");
  options.rules = texts_of(alert, "rules");
  options.url = text_of(alert, "url");
  options.url_file = text_of(alert, "url_file");
  options.headers_file = text_of(alert, "headers_file");
  options.body = text_of(alert, "body", "json");
  options.ca_file = text_of(alert, "ca_file");
  const bool is_syslog = options.type == SinkType::kSyslog;
  options.path = text_of(alert, "path", is_syslog ? "/dev/log" : "/run/systemd/journal/socket");
  options.user = text_of(alert, "user", "detectd");
  options.command = texts_of(alert, "command");
  if (const std::string size = text_of(alert, "max_size"); !size.empty()) options.max_bytes = bytes_of(size);
  const bool is_command = options.type == SinkType::kCommand;
  options.timeout_ns = duration_of(alert, "timeout").value_or((is_command ? 30 : 10) * kSecondNs);
  options.retry_for_ns = duration_of(alert, "retry_for").value_or(int64_t{24} * 3600 * kSecondNs);
  options.rate =
      text_of(alert, "rate", is_command || options.type == SinkType::kWebhook ? "10000/h" : "1000/s");
  options.every_ns = duration_of(alert, "every");
  options.heartbeat_ns = duration_of(alert, "heartbeat");
  if (const std::string at = text_of(alert, "at"); !at.empty()) options.at_minute = minute_of(at);
  return options;
}

// As written, or made of the type.
std::vector<std::string> names_of(const Config& config) {
  std::vector<std::string> names;
  std::map<std::string, int> of_type;
  for (const Config::Alert& alert : config.alerts) {
    std::string name = text_of(alert, "name");
    if (name.empty()) {
      const std::string type = text_of(alert, "type", "alert");
      const int number = ++of_type[type];
      name = number == 1 ? type : type + " " + std::to_string(number);
    }
    names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::string_view to_string(SinkType type) { return kTypes[static_cast<size_t>(type)]; }

std::vector<AlertMistake> check_alert(const Config::Alert& alert) {
  std::vector<AlertMistake> mistakes;
  const std::string type = text_of(alert, "type");
  if (type.empty()) return mistakes;
  for (const KeyOfTypes& special : kSpecial) {
    if (alert.find(special.key) == nullptr || has_word(special.types, type)) continue;
    std::string types(special.types);
    for (size_t blank = types.find(' '); blank != std::string::npos; blank = types.find(' ', blank + 2))
      types.replace(blank, 1, ", ");
    mistakes.push_back({std::string(special.key), "D207",
                        quoted(special.key) + " means nothing to the type " + quoted(type),
                        "it is of: " + types});
  }
  if (type == "webhook") check_webhook(alert, mistakes);
  if (type == "syslog") check_syslog(alert, mistakes);
  if (type == "command") check_command(alert, mistakes);
  if ((type == "json_file" || type == "unix_socket") && text_of(alert, "path").empty()) {
    mistakes.push_back({"", "D205", "an alert of the type " + quoted(type) + " has no `path`",
                        "say which: path = \"/var/log/detectd/alerts.json\""});
  }
  check_times(alert, mistakes);
  return mistakes;
}

std::vector<AlertOptions> alert_options(const Config& config) {
  std::vector<AlertOptions> all;
  const std::vector<std::string> names = names_of(config);
  for (size_t i = 0; i < config.alerts.size(); ++i) {
    all.push_back(read_options(config.alerts[i]));
    all.back().name = names[i];
  }
  return all;
}

void complain_of_alert(const Config::Alert& alert, AlertMistake mistake, Diagnostics& diagnostics) {
  const Config::Value* const value = alert.find(mistake.key);
  Diagnostic diagnostic;
  diagnostic.code = std::move(mistake.code);
  diagnostic.file = value != nullptr ? value->file : alert.file;
  diagnostic.span = value != nullptr ? value->span : alert.span;
  diagnostic.message = std::move(mistake.message);
  diagnostic.help = std::move(mistake.help);
  diagnostics.add(std::move(diagnostic));
}

void check_alert_names(const Config& config, Diagnostics& diagnostics) {
  const std::vector<std::string> names = names_of(config);
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) ==
        names.begin() + static_cast<ptrdiff_t>(i)) {
      continue;
    }
    complain_of_alert(config.alerts[i],
                      {"name", "D207", "two [[alert]] are named " + quoted(names[i]),
                       "give each a name of its own: by it what was told is known after a restart"},
                      diagnostics);
  }
}

std::optional<SyslogUrl> parse_syslog_url(std::string_view text) {
  SyslogUrl url;
  url.tls = text.starts_with("tls://");
  if (!url.tls && !text.starts_with("tcp://")) return std::nullopt;
  text.remove_prefix(6);
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon + 1 == text.size()) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.find_first_of("/@ []?#") != std::string_view::npos || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string_view::npos) {
    return std::nullopt;
  }
  url.host = host;
  url.port = port;
  return url;
}

}  // namespace detectd
