// The generated part of detectd.toml(5).
#include "src/detectd/settings.h"

#include <algorithm>

namespace detectd {
namespace {

std::string_view kind_of(SettingKind kind) {
  switch (kind) {
    case SettingKind::kBytes: return "A size";
    case SettingKind::kDuration: return "A duration";
    case SettingKind::kRate: return "A rate";
    case SettingKind::kCount: return "A number";
    case SettingKind::kBoolean: return "True or false";
    case SettingKind::kText: return "A text";
    case SettingKind::kPath: return "A path";
    case SettingKind::kTime: return "A time of day";
    case SettingKind::kPaths: return "A list of paths";
    case SettingKind::kTexts: return "A list of texts";
    case SettingKind::kPatterns: return "A list of regular expressions";
    case SettingKind::kEventKinds: return "A list of kinds of events";
    case SettingKind::kChoice: return "One of";
  }
  return {};
}

// Text within a macro's argument or a line of its own.
std::string mdoc(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '"') {
      escaped += "\\(dq";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string choices_of(const Setting& setting) {
  std::string text;
  std::string_view left = setting.choices;
  while (!left.empty()) {
    const size_t end = std::min(left.find(' '), left.size());
    text += ".Cm " + std::string(left.substr(0, end)) + (end < left.size() ? " ,\n" : " .\n");
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return text;
}

void append_table(std::span<const Setting> table, std::string& text) {
  std::string section;
  for (const Setting& setting : table) {
    const size_t dot = setting.key.find('.');
    const std::string heading(setting.key.substr(0, dot));
    if (heading != section) {
      if (!section.empty()) text += ".El\n";
      section = heading;
      text += (section == "alert" ? ".Ss [[alert]]\n" : ".Ss [" + section + "]\n") +
              std::string(".Bl -tag -width Ds\n");
    }
    text += ".It Va " + std::string(setting.key.substr(dot + 1)) + "\n" + std::string(setting.meaning);
    if (setting.kind == SettingKind::kChoice) {
      text += std::string(kind_of(setting.kind)) + "\n" + choices_of(setting);
    } else {
      text += std::string(kind_of(setting.kind)) + ".\n";
    }
    if (!setting.preset.empty()) text += "Default:\n.Li " + mdoc(setting.preset) + "\n";
  }
  text += ".El\n";
}

}  // namespace

std::string manual_settings() {
  std::string text;
  append_table(settings(), text);
  append_table(alert_settings(), text);
  return text;
}

}  // namespace detectd
