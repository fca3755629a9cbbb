// Keys and values of TOML text, laid out one way only; see toml_format.h.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

// `a."b.c"`: no blanks around the dots, quoted parts as toml_text() quotes them. Nothing for what is no key.
std::optional<std::string> format_toml_key(std::string_view text);

struct TomlValueLayout {
  size_t key_columns = 0;   // what stands before the value on its line
  bool one_a_line = false;  // a list stands so, however short
};
// A value, and the comment behind it if there is one. Nothing for what is no value, and where a comment stands in a
// list within a list, for which there is no layout. Nesting is bounded by kMaxBracketDepth.
std::optional<std::string> format_toml_value(std::string_view text, const TomlValueLayout& layout);

// All comments of a file in order, without what is blank around them.
std::vector<std::string> toml_comments(std::string_view text);

}  // namespace detectd
