#include "src/detectctl/support_redaction.h"

#include <algorithm>
#include <iterator>

namespace detectd {
namespace {

constexpr std::string_view kLeftOut = "(left out)";
constexpr std::string_view kHarmlessOfAlert[] = {"type", "level", "retry_for", "every", "at"};
// How lines of the journal go on behind who wrote them, where they are messages of ours: hits are on the same stream.
constexpr std::string_view kMessages[] = {"error: ", "warning: ", "note: ", "info: ", "{\"@timestamp\":"};
// The one that quotes a process.
constexpr std::string_view kQuotes = "its arguments after its exec";

// Calls `take` with each line, without its end.
template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

bool is_harmless_of_alert(std::string_view key) {
  return std::find(std::begin(kHarmlessOfAlert), std::end(kHarmlessOfAlert), key) !=
         std::end(kHarmlessOfAlert);
}

}  // namespace

std::string without_url_secrets(std::string_view text) {
  std::string out;
  while (true) {
    const size_t scheme = text.find("://");
    if (scheme == std::string_view::npos) return out + std::string(text);
    const size_t begin = scheme + 3;
    const size_t url_end = std::min(text.find_first_of(" \t\n\"'<>,", begin), text.size());
    const std::string_view authority =
        text.substr(begin, text.substr(0, url_end).find_first_of("/?#", begin) - begin);
    const std::string_view all = text.substr(begin, url_end - begin);
    const std::string_view host_part = authority.substr(0, std::min(authority.size(), all.size()));
    // A user and a password stand before the last @.
    const size_t at = host_part.rfind('@');
    const std::string_view host = at == std::string_view::npos ? host_part : host_part.substr(at + 1);
    out += std::string(text.substr(0, begin)) + std::string(host);
    if (host.size() != all.size()) out += "/" + std::string(kLeftOut);
    text.remove_prefix(url_end);
  }
}

std::string without_config_secrets(std::string_view toml) {
  std::string out;
  bool in_alert = false;
  bool in_value = false;  // of several lines, left out
  each_line(toml, [&](std::string_view line) {
    if (line.starts_with("[") && !in_value) in_alert = line.starts_with("[[alert");
    if (!in_alert) {
      out += without_url_secrets(line) + "\n";
      return;
    }
    const size_t equals = line.find(" = ");
    const bool starts = equals != std::string_view::npos && line.find_first_of("\"'[") > equals;
    if (line.starts_with("[") || line.empty()) {
      in_value = false;
      out += std::string(line) + "\n";
    } else if (starts && is_harmless_of_alert(line.substr(0, equals))) {
      in_value = false;
      out += std::string(line) + "\n";
    } else if (starts) {
      in_value = true;
      out += std::string(line.substr(0, equals)) + " = \"" + std::string(kLeftOut) + "\"\n";
    }
  });
  return out;
}

std::string without_event_text(std::string_view messages) {
  std::string out;
  each_line(messages, [&](std::string_view line) {
    const size_t sender = line.find("]: ");
    const std::string_view message = sender == line.npos ? line : line.substr(sender + 3);
    const bool ours = line.find("systemd[1]: ") != line.npos ||
                      std::any_of(std::begin(kMessages), std::end(kMessages),
                                  [message](std::string_view begin) { return message.starts_with(begin); });
    if (!ours || message.find(kQuotes) != message.npos) return;
    out += without_url_secrets(line) + "\n";
  });
  return out;
}

}  // namespace detectd
