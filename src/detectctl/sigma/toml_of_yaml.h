// YAML's values as TOML's.
#pragma once

#include <string>

#include "engine/toml_tree.h"
#include "src/detectctl/sigma/yaml_tree.h"

namespace detectd {

TomlValue toml_text_value(std::string text, const Span& span);
TomlValue toml_boolean_value(bool flag);

// TOML has no null: in a map such a key is left out, in a list it becomes an empty text.
enum class ScalarsAs : uint8_t { kTyped, kTexts };
TomlValue toml_of_yaml(const YamlValue& yaml, ScalarsAs scalars = ScalarsAs::kTyped);

}  // namespace detectd
