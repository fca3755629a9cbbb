#include "src/detectctl/sigma/sigma_detection.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>

#include "engine/condition.h"
#include "engine/escape.h"
#include "src/detectctl/sigma/toml_of_yaml.h"

namespace detectd {
namespace {

using Kind = YamlValue::Kind;

// Each list with a null among its values doubles the alternatives.
constexpr size_t kMaxAlternatives = 16;

bool is_null(const YamlValue& value) { return value.is(Kind::kNull); }

bool matches(std::string_view pattern, std::string_view text) {
  size_t at = 0;
  size_t retry = std::string_view::npos;  // behind the last `*`
  size_t retry_at = 0;
  size_t next = 0;
  while (at < text.size()) {
    if (next < pattern.size() && pattern[next] == '*') {
      retry = ++next;
      retry_at = at;
    } else if (next < pattern.size() && pattern[next] == text[at]) {
      ++next;
      ++at;
    } else if (retry != std::string_view::npos) {
      next = retry;
      at = ++retry_at;
    } else {
      return false;
    }
  }
  return pattern.substr(next).find_first_not_of('*') == std::string_view::npos;
}

// `sel*` and the like.
std::vector<std::string> patterns_of(const YamlValue& condition) {
  std::vector<std::string> patterns;
  const auto add = [&](const std::string& text) {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      std::erase_if(word, [](char c) { return c == '(' || c == ')'; });
      if (word.find('*') != std::string::npos) patterns.push_back(word);
    }
  };
  add(condition.text);
  for (const YamlValue& element : condition.elements) add(element.text);
  return patterns;
}

class DetectionConverter {
 public:
  explicit DetectionConverter(Reporter& reporter) : reporter_(reporter) {}

  TomlValue convert(const YamlValue& detection) {
    TomlValue table;
    table.span = detection.span;
    if (!detection.is(Kind::kMap)) {
      reporter_.error("D605", detection.span, "`detection` is a map of selections and a condition");
      return table;
    }
    for (const YamlMember& member : detection.members)
      table.members.push_back(
          {.key = name_of(member, detection), .span = member.span, .value = convert_member(member)});
    return table;
  }

 private:
  // A name that conditions can not spell, which pySigma takes where only patterns reach it: with `_` for what
  // is not of a name, if the same patterns reach that.
  static std::string name_of(const YamlMember& member, const YamlValue& detection) {
    std::string name = member.key;
    if (Condition::is_identifier(name)) return name;
    for (char& c : name) {
      if (!Condition::is_identifier(std::string("x") + c)) c = '_';
    }
    const YamlMember* const condition = detection.find("condition");
    const bool usable =
        Condition::is_identifier(name) && detection.find(name) == nullptr && condition != nullptr;
    if (!usable) return member.key;
    for (const std::string& pattern : patterns_of(condition->value)) {
      if (matches(pattern, name) != matches(pattern, member.key)) return member.key;
    }
    return name;
  }

  TomlValue convert_member(const YamlMember& member) {
    const YamlValue& value = member.value;
    if (member.key == "condition" || member.key == "timeframe") return toml_of_yaml(value, ScalarsAs::kTexts);
    if (is_null(value)) {
      reporter_.error("D605", member.span, "selection `" + escape_text(member.key) + "` is empty");
    } else if (value.is(Kind::kMap)) {
      return alternatives(convert_items(value), value.span);
    } else if (value.is(Kind::kList)) {
      return convert_list(value);
    }
    return toml_of_yaml(value);
  }

  // One table stands by itself.
  static TomlValue alternatives(std::vector<TomlValue> tables, const Span& span) {
    if (tables.size() == 1) return std::move(tables.front());
    TomlValue list;
    list.kind = TomlValue::Kind::kArray;
    list.span = span;
    list.elements = std::move(tables);
    return list;
  }

  TomlValue convert_list(const YamlValue& value) {
    TomlValue list;
    list.kind = TomlValue::Kind::kArray;
    list.span = value.span;
    for (const YamlValue& element : value.elements) {
      if (is_null(element)) {
        reporter_.error("D605", element.span, "null is no keyword");
      } else if (element.is(Kind::kMap)) {
        for (TomlValue& table : convert_items(element)) list.elements.push_back(std::move(table));
      } else {
        list.elements.push_back(toml_of_yaml(element));
      }
    }
    return list;
  }

  // The items of a map: one table, or the alternatives that lists with null make of it.
  std::vector<TomlValue> convert_items(const YamlValue& map) {
    std::vector<TomlValue> tables(1);
    tables.front().span = map.span;
    for (const YamlMember& item : map.members) {
      const YamlValue& value = item.value;
      if (value.is(Kind::kMap)) {
        reporter_.error("D605", value.span,
                        "a value of `" + escape_text(item.key) + "` is a text, number or boolean, not a map");
      } else if (is_null(value)) {
        add_null(item, tables);
      } else if (std::any_of(value.elements.begin(), value.elements.end(), is_null)) {
        add_list_with_null(item, tables);
      } else {
        add(tables, {.key = item.key, .span = item.span, .value = toml_of_yaml(value)});
      }
    }
    return tables;
  }

  static void add(std::vector<TomlValue>& tables, const TomlMember& member) {
    for (TomlValue& table : tables) table.members.push_back(member);
  }

  // `"field|null" = true`: absent or null. `field|neq: null` is its negation.
  std::optional<TomlMember> null_item(const YamlMember& item) {
    const size_t bar = std::min(item.key.find('|'), item.key.size());
    const std::string field = item.key.substr(0, bar);
    const std::string modifiers = item.key.substr(bar);
    if (field.empty() || (!modifiers.empty() && modifiers != "|neq")) {
      reporter_.error("D605", item.span,
                      "null does not go with `" + escape_text(modifiers.empty() ? item.key : modifiers) + "`",
                      "a field that is null stands without modifiers");
      return std::nullopt;
    }
    return TomlMember{
        .key = field + "|null", .span = item.span, .value = toml_boolean_value(modifiers.empty())};
  }

  void add_null(const YamlMember& item, std::vector<TomlValue>& tables) {
    if (const auto null = null_item(item)) add(tables, *null);
  }

  void add_list_with_null(const YamlMember& item, std::vector<TomlValue>& tables) {
    const auto null = null_item(item);
    if (!null) return;
    YamlValue others = item.value;
    others.elements.erase(std::remove_if(others.elements.begin(), others.elements.end(), is_null),
                          others.elements.end());
    if (others.elements.empty()) return add(tables, *null);
    const TomlMember values{.key = item.key, .span = item.span, .value = toml_of_yaml(others)};
    if (!null->value.boolean) {
      add(tables, values);
      add(tables, *null);
      return;
    }
    if (tables.size() * 2 > kMaxAlternatives) {
      reporter_.error("D605", item.span, "too many lists with null among their values in one selection");
      return;
    }
    std::vector<TomlValue> with_null = tables;
    add(tables, values);
    add(with_null, *null);
    for (TomlValue& table : with_null) tables.push_back(std::move(table));
  }

  Reporter& reporter_;
};

}  // namespace

TomlValue convert_sigma_detection(Reporter& reporter, const YamlValue& detection) {
  return DetectionConverter(reporter).convert(detection);
}

}  // namespace detectd
