// TOML text in one layout, the one in which rule_writer writes; comments are kept, and what it says stays the same.
// Works on the text: keys stay in their order and tables as they were written.
//
//   key = value          one blank on each side of the sign, none at the end of a line
//   ["a", "b"]           a list on one line where that has at most kTomlColumns, else one element a line
//   "text" 'te\xt'       double quotes become single ones where that saves escapes; other strings stay as they are
//   <blank>[header]      one blank line before a header and the comments above it, at most one elsewhere
#pragma once

#include <string>
#include <string_view>

#include "engine/diagnostic.h"

namespace detectd {

// Of text that is no TOML, the statements that can not be understood stay as they are. Time and memory are linear in
// the text. Formatting what was formatted changes nothing.
std::string format_toml(std::string_view text);

// Whether both files are TOML and say the same, in the same order, with the same comments.
bool is_same_toml(const SourceFile& a, const SourceFile& b);

}  // namespace detectd
