// Pieces of TOML text, laid out one way only. Texts stand in double quotes; in single quotes where they hold
// a backslash or a double quote, as patterns do, so that nothing is escaped; with escapes in double quotes
// where neither will do: control characters, and what is invisible (escape.h), never stand as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/toml_tree.h"

namespace detectd {

inline constexpr size_t kTomlColumns = 120;  // longer lists stand one element a line

// Bare where TOML allows it.
std::string toml_key(std::string_view key);
// Always in quotes: for names of fields, which mostly need them.
std::string toml_quoted_key(std::string_view key);

std::string toml_text(std::string_view text);
// The same, or on several lines between three single quotes if the text has several. Not inside of lists.
std::string toml_long_text(std::string_view text);

std::string toml_integer(int64_t number);
std::string toml_real(double number);
std::string toml_boolean(bool value);
std::string toml_texts(const std::vector<std::string>& texts);

// `["a", "b"]`, of values as they are written.
std::string toml_list(const std::vector<std::string>& written);
// `{ a = 1, b = 2 }`, of "key = value" as they are written.
std::string toml_inline_table(const std::vector<std::string>& written);
// Any value, on one line.
std::string toml_value(const TomlValue& value);
// A JSON document as the parser of rules makes it of a test's event, on one line. Nothing if it is none.
std::string toml_of_json(std::string_view json);

// Appends `key = value` and a line end. A list that is too long for one line, `elements` not empty, stands
// one element a line.
void append_toml_list_line(std::string_view key, const std::vector<std::string>& elements, std::string& out);
void append_toml_line(std::string_view key, std::string_view value, std::string& out);

}  // namespace detectd
