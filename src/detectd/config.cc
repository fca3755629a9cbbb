#include "src/detectd/config.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>

#include "engine/escape.h"
#include "engine/rule_parser.h"
#include "engine/toml_writer.h"
#include "src/detectd/alert_options.h"
#include "src/detectd/settings.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 20;

struct FileCloser {
  void operator()(DIR* directory) const { closedir(directory); }
};

std::string system_error(int number) {
  std::string text = std::strerror(number);
  return text;
}

// Reads one file into a Config.
class Reader {
 public:
  Reader(Config& config, SourcePtr file, Diagnostics& diagnostics)
      : config_(config), file_(std::move(file)), diagnostics_(diagnostics) {}

  void read();

 private:
  void read_section(std::string_view name, const toml::node& node);
  void read_alerts(const toml::node& node);
  void read_setting(const Setting& setting, const toml::node& node, std::vector<Config::Value>& into);
  bool check(const Setting& setting, const toml::node& node);
  bool check_text(const Setting& setting, const std::string& text, const toml::node& node);
  bool check_list(const Setting& setting, const toml::node& node);
  void unknown_key(std::span<const Setting> table, const std::string& key, const toml::key& place);
  void complain(std::string code, const Span& span, std::string message, std::string help);
  void complain(std::string code, const toml::source_region& place, std::string message, std::string help);

  Config& config_;
  SourcePtr file_;
  Diagnostics& diagnostics_;
};

Span span_of(const toml::source_region& region) {
  Span span{.line = region.begin.line, .column = region.begin.column, .length = 1};
  if (region.end.line == region.begin.line && region.end.column > region.begin.column) {
    span.length = region.end.column - region.begin.column;
  }
  return span;
}

void Reader::complain(std::string code, const toml::source_region& place, std::string message,
                      std::string help) {
  complain(std::move(code), span_of(place), std::move(message), std::move(help));
}

void Reader::complain(std::string code, const Span& span, std::string message, std::string help) {
  Diagnostic diagnostic;
  diagnostic.code = std::move(code);
  diagnostic.file = file_;
  diagnostic.span = span;
  diagnostic.message = std::move(message);
  diagnostic.help = std::move(help);
  diagnostics_.add(std::move(diagnostic));
}

void Reader::unknown_key(std::span<const Setting> table, const std::string& key, const toml::key& place) {
  std::vector<std::string_view> known;
  for (const Setting& setting : table) known.push_back(setting.key);
  complain("D200", place.source(), "unknown key " + quoted(key), did_you_mean(key, known));
}

bool Reader::check_text(const Setting& setting, const std::string& text, const toml::node& node) {
  std::optional<SettingMistake> mistake = check_setting(setting, text);
  if (!mistake) return true;
  Span span = span_of(node.source());
  if (mistake->length != 0) span = span_inside(*file_, span, mistake->offset, mistake->length);
  complain(std::move(mistake->code), span, std::move(mistake->message), std::move(mistake->help));
  return false;
}

bool Reader::check_list(const Setting& setting, const toml::node& node) {
  const toml::array* list = node.as_array();
  if (list == nullptr) {
    complain("D204", node.source(), quoted(setting.key) + " is a list of texts",
             "write it in brackets: [\"...\", \"...\"]");
    return false;
  }
  bool good = true;
  for (const toml::node& element : *list) {
    const auto* text = element.as_string();
    if (text == nullptr) {
      complain("D204", element.source(), quoted(setting.key) + " is a list of texts", "");
      good = false;
    } else if (!check_text(setting, text->get(), element)) {
      good = false;
    }
  }
  return good;
}

bool Reader::check(const Setting& setting, const toml::node& node) {
  switch (setting.kind) {
    case SettingKind::kBoolean:
      if (node.is_boolean()) return true;
      complain("D204", node.source(), quoted(setting.key) + " is true or false", "");
      return false;
    case SettingKind::kCount:
      if (node.is_integer() && node.as_integer()->get() >= 1 && node.as_integer()->get() <= 100'000'000) {
        return true;
      }
      complain("D204", node.source(), quoted(setting.key) + " is a number from 1 to 100000000", "");
      return false;
    case SettingKind::kPaths:
    case SettingKind::kTexts:
    case SettingKind::kPatterns:
    case SettingKind::kEventKinds: return check_list(setting, node);
    default: break;
  }
  if (const auto* text = node.as_string()) return check_text(setting, text->get(), node);
  complain("D204", node.source(), quoted(setting.key) + " is a text", "write it in quotes");
  return false;
}

std::string to_toml(const toml::node& node) {
  if (const toml::array* list = node.as_array()) {
    std::string text = "[";
    for (const toml::node& element : *list) {
      if (text.size() > 1) text += ", ";
      text += to_toml(element);
    }
    return text + "]";
  }
  if (const auto* text = node.as_string()) {
    std::string valid;
    replace_invalid_utf8(text->get(), valid);  // the command line may give a path that is none
    return toml_text(valid);
  }
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  return node.value_or(false) ? "true" : "false";
}

std::vector<std::string> texts_of(const toml::node& node) {
  std::vector<std::string> texts;
  if (const toml::array* list = node.as_array()) {
    for (const toml::node& element : *list) texts.push_back(texts_of(element).front());
  } else if (const auto* text = node.as_string()) {
    texts.push_back(text->get());
  } else {
    texts.push_back(to_toml(node));
  }
  return texts;
}

void Reader::read_setting(const Setting& setting, const toml::node& node, std::vector<Config::Value>& into) {
  if (!check(setting, node)) return;
  Config::Value value{.key = std::string(setting.key),
                      .toml = to_toml(node),
                      .texts = texts_of(node),
                      .origin = escape_text(file_->path) + ":" + std::to_string(node.source().begin.line),
                      .file = file_,
                      .span = span_of(node.source())};
  const auto same = std::find_if(into.begin(), into.end(),
                                 [&](const Config::Value& old) { return old.key == setting.key; });
  if (same == into.end()) {
    into.push_back(std::move(value));
  } else {
    *same = std::move(value);
  }
}

void Reader::read_section(std::string_view name, const toml::node& node) {
  const toml::table* section = node.as_table();
  if (section == nullptr) {
    complain("D204", node.source(), quoted(name) + " is a section",
             "write [" + std::string(name) + "] and its keys below");
    return;
  }
  for (const auto& [key, value] : *section) {
    const std::string whole = std::string(name) + "." + std::string(key.str());
    if (const Setting* setting = find_setting(settings(), whole)) {
      read_setting(*setting, value, config_.values);
    } else {
      unknown_key(settings(), whole, key);
    }
  }
}

void Reader::read_alerts(const toml::node& node) {
  const toml::array* alerts = node.as_array();
  if (alerts == nullptr || !alerts->is_array_of_tables()) {
    complain("D204", node.source(), "`alert` is an array of tables", "write [[alert]]");
    return;
  }
  for (const toml::node& element : *alerts) {
    const toml::table& table = *element.as_table();
    Config::Alert alert{.values = {}, .file = file_, .span = span_of(element.source())};
    for (const auto& [key, value] : table) {
      const std::string whole = "alert." + std::string(key.str());
      if (const Setting* setting = find_setting(alert_settings(), whole)) {
        read_setting(*setting, value, alert.values);
      } else {
        unknown_key(alert_settings(), whole, key);
      }
    }
    if (!table.contains("type")) {
      complain("D205", element.source(), "[[alert]] has no `type`", "say where it goes: type = \"journal\"");
    }
    for (AlertMistake& mistake : check_alert(alert)) {
      const toml::node* const place = table.get(mistake.key);
      complain(std::move(mistake.code), (place != nullptr ? *place : element).source(),
               std::move(mistake.message), std::move(mistake.help));
    }
    config_.alerts.push_back(std::move(alert));
  }
}

void Reader::read() {
  toml::table root;
  try {
    root = toml::parse(std::string_view(file_->text));
  } catch (const toml::parse_error& error) {
    complain("D206", error.source(), escape_text(error.description()), "");
    return;
  }
  std::set<std::string_view> sections;
  for (const Setting& setting : settings()) {
    sections.insert(setting.key.substr(0, setting.key.find('.')));
  }
  for (const auto& [key, value] : root) {
    const std::string_view name = key.str();
    if (name == "alert") {
      read_alerts(value);
    } else if (sections.contains(name)) {
      read_section(name, value);
    } else {
      std::vector<std::string_view> known(sections.begin(), sections.end());
      known.push_back("alert");
      complain("D200", key.source(), "unknown section " + quoted(name), did_you_mean(name, known));
    }
  }
}

Config built_in() {
  Config config;
  for (const Setting& setting : settings()) {
    const toml::table table = toml::parse("preset = " + std::string(setting.preset));
    const toml::node& preset = *table.get("preset");
    config.values.push_back({.key = std::string(setting.key),
                             .toml = std::string(setting.preset),
                             .texts = texts_of(preset),
                             .origin = "default"});
  }
  return config;
}

// Errc::kNotFound where there is no such file.
Result<SourcePtr> read_file(const std::string& path, RuleOwners* owners) {
  const auto fail = [&path](int number) {
    return Error{number == ENOENT ? Errc::kNotFound : Errc::kPermission,
                 "cannot open " + escape_text(path) + ": " + system_error(number)};
  };
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return fail(errno);
  struct stat info {};
  if (owners != nullptr && fstat(descriptor, &info) == 0) owners->check(path, info);
  auto file = std::make_shared<SourceFile>();
  file->path = path;
  char buffer[16384];
  ssize_t size = 0;
  while ((size = read(descriptor, buffer, sizeof buffer)) > 0) {
    file->text.append(buffer, static_cast<size_t>(size));
    if (file->text.size() > kMaxFileBytes) break;
  }
  const int number = errno;
  close(descriptor);
  if (size < 0) return fail(number);
  if (file->text.size() > kMaxFileBytes) {
    return Error{Errc::kRules, escape_text(path) + " is larger than 1 MiB: not a configuration"};
  }
  return SourcePtr(std::move(file));
}

std::vector<std::string> list_drop_ins(const std::string& config_path) {
  const size_t slash = config_path.rfind('/');
  const std::string directory =
      (slash == std::string::npos ? "." : config_path.substr(0, slash)) + "/detectd.d";
  std::vector<std::string> paths;
  const std::unique_ptr<DIR, FileCloser> opened(opendir(directory.c_str()));
  if (!opened) return paths;
  while (const dirent* entry = readdir(opened.get())) {
    const std::string_view name = entry->d_name;
    if (name.size() > 5 && name.front() != '.' && name.substr(name.size() - 5) == ".toml") {
      paths.push_back(directory + "/" + std::string(name));
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

const Config::Value& Config::find(std::string_view key) const {
  const auto found =
      std::find_if(values.begin(), values.end(), [key](const Value& value) { return value.key == key; });
  assert(found != values.end() && "a setting of the table");
  return *found;
}

uint64_t Config::count(std::string_view key) const { return std::stoull(text(key)); }
uint64_t Config::bytes(std::string_view key) const { return bytes_of(text(key)); }
int64_t Config::duration_ns(std::string_view key) const { return parse_duration(text(key)).value_or(0); }

void Config::set_rule_paths(const std::vector<std::string>& paths, const std::string& origin) {
  toml::array list;
  for (const std::string& path : paths) list.push_back(path);
  for (Value& value : values) {
    if (value.key == "rules.paths") value = {value.key, to_toml(list), paths, origin};
  }
}

void Config::set(const Value& value) {
  for (Value& old : values) {
    if (old.key == value.key) old = value;
  }
}

std::vector<std::string> Config::differences(const Config& other) const {
  std::vector<std::string> keys;
  for (const Value& value : values) {
    if (value.toml != other.find(value.key).toml) keys.push_back(value.key);
  }
  return keys;
}

bool Config::has_same_alerts(const Config& other) const {
  const auto same_value = [](const Value& a, const Value& b) { return a.key == b.key && a.toml == b.toml; };
  const auto same_alert = [&](const Alert& a, const Alert& b) {
    return std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(), same_value);
  };
  return std::equal(alerts.begin(), alerts.end(), other.alerts.begin(), other.alerts.end(), same_alert);
}

const Config::Value* Config::Alert::find(std::string_view key) const {
  const auto found = std::find_if(values.begin(), values.end(), [key](const Value& value) {
    return std::string_view(value.key).substr(value.key.find('.') + 1) == key;
  });
  return found == values.end() ? nullptr : &*found;
}

void Config::set_text(std::string_view key, const std::string& text, const std::string& origin) {
  for (Value& value : values) {
    if (value.key == key) value = {value.key, to_toml(toml::value<std::string>(text)), {text}, origin};
  }
}

Result<Config> load_config(const std::optional<std::string>& path, Diagnostics& diagnostics,
                           RuleOwners* owners) {
  Config config = built_in();
  const std::string main_path = path.value_or(kDefaultConfig);
  Result<SourcePtr> file = read_file(main_path, owners);
  if (file) {
    Reader(config, *file, diagnostics).read();
  } else if (path || file.error().code != Errc::kNotFound) {
    return std::move(file).error();
  }
  for (const std::string& drop_in : list_drop_ins(main_path)) {
    Result<SourcePtr> more = read_file(drop_in, owners);
    if (!more) return std::move(more).error();
    Reader(config, *more, diagnostics).read();
  }
  check_alert_names(config, diagnostics);
  return config;
}

std::string print_config(const Config& config) {
  std::string text;
  std::string section;
  const auto append = [&text](const Config::Value& value, size_t prefix) {
    text += value.key.substr(prefix) + " = " + value.toml + "  # " + value.origin + "\n";
  };
  for (const Config::Value& value : config.values) {
    const size_t dot = value.key.find('.');
    if (value.key.substr(0, dot) != section) {
      if (!section.empty()) text += "\n";
      section = value.key.substr(0, dot);
      text += "[" + section + "]\n";
    }
    append(value, dot + 1);
  }
  for (const Config::Alert& alert : config.alerts) {
    text += "\n[[alert]]\n";
    for (const Config::Value& value : alert.values) append(value, value.key.find('.') + 1);
  }
  return text;
}

}  // namespace detectd
