// The exact place of a mistake in a JSON text. Slow and strict; run only on lines that the fast decoder
// refused or was not sure of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace detectd {

struct JsonMistake {
  std::string code;   // D300 grammar, D308 duplicate key, D309 a number that is none
  size_t offset = 0;  // bytes
  std::string message;
};

// The first mistake of `text`, which should be one object. A name may be given once only, whether nested or
// dotted: `{"a":{"b":1},"a.b":2}` is a mistake. `text` is valid UTF-8. Time and memory are proportional to
// its size; nesting beyond `max_depth` is a mistake.
std::optional<JsonMistake> find_json_mistake(std::string_view text, size_t max_depth);

// Code points before `offset`, plus 1.
size_t column_of(std::string_view text, size_t offset);

}  // namespace detectd
