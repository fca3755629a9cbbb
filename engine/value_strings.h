// The strings that an item's value stands for: placeholders filled in, encodings applied, wildcards at the
// ends. One value may become several strings; any of them will do.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/item_modifiers.h"
#include "engine/pattern.h"
#include "engine/rule.h"

namespace detectd {

struct ValueMistake {
  std::string code;
  std::string message;
  std::string help;
  size_t offset = 0;  // bytes into the value; with length 0 the whole value is meant
  size_t length = 0;
};

inline constexpr size_t kMaxStringsOfValue = 10'000;

// Nothing after a mistake, which is then in `mistake`. `escaped` is false for a value that is no string:
// its text has no wildcards.
std::optional<std::vector<SigmaString>> strings_of_value(std::string_view text, bool escaped,
                                                         const Modifiers& modifiers,
                                                         const std::map<std::string, ListDefinition>& lists,
                                                         ValueMistake& mistake);

// A number or truth as an event would write it; nothing for null and strings.
std::optional<std::string> plain_text(const Scalar& scalar);

}  // namespace detectd
