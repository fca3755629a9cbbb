#include "src/detectctl/sigma/toml_of_yaml.h"

#include <utility>

namespace detectd {

TomlValue toml_text_value(std::string text, const Span& span) {
  TomlValue value;
  value.kind = TomlValue::Kind::kString;
  value.text = std::move(text);
  value.span = span;
  return value;
}

TomlValue toml_boolean_value(bool flag) {
  TomlValue value;
  value.kind = TomlValue::Kind::kBoolean;
  value.boolean = flag;
  return value;
}

// Recursion is bounded by kMaxYamlDepth.
TomlValue toml_of_yaml(const YamlValue& yaml, ScalarsAs scalars) {
  if (scalars == ScalarsAs::kTexts && yaml.is_scalar()) return toml_text_value(yaml.text, yaml.span);
  TomlValue value;
  value.span = yaml.span;
  switch (yaml.kind) {
    case YamlValue::Kind::kNull:
    case YamlValue::Kind::kText: return toml_text_value(yaml.text, yaml.span);
    case YamlValue::Kind::kBoolean:
      value.kind = TomlValue::Kind::kBoolean;
      value.boolean = yaml.boolean;
      break;
    case YamlValue::Kind::kInteger:
      value.kind = TomlValue::Kind::kInteger;
      value.integer = yaml.integer;
      break;
    case YamlValue::Kind::kReal:
      value.kind = TomlValue::Kind::kReal;
      value.real = yaml.real;
      break;
    case YamlValue::Kind::kList:
      value.kind = TomlValue::Kind::kArray;
      for (const YamlValue& element : yaml.elements) value.elements.push_back(toml_of_yaml(element, scalars));
      break;
    case YamlValue::Kind::kMap:
      for (const YamlMember& member : yaml.members) {
        if (member.value.is(YamlValue::Kind::kNull)) continue;
        value.members.push_back(
            {.key = member.key, .span = member.span, .value = toml_of_yaml(member.value, scalars)});
      }
      break;
  }
  return value;
}

}  // namespace detectd
