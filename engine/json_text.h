// The small parts of JSON's grammar: what a string and a number mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace detectd {

// The inside of a JSON string literal, quotes not included, appended to `out`. A lone surrogate becomes
// U+FFFD and sets `replaced`. Gives the offset of the first escape that is none, npos if all are good;
// control characters are the caller's to find.
size_t unescape_json(std::string_view inside, std::string& out, bool& replaced);

struct JsonNumber {
  enum class Kind : uint8_t {
    kInvalid,  // not JSON's grammar
    kInteger,  // fits int64_t
    kLarge,    // an integer that does not; `real` is near it
    kReal,
    kInfinite,  // too large for a double
  };
  Kind kind = Kind::kInvalid;
  int64_t integer = 0;
  double real = 0;
};
JsonNumber parse_json_number(std::string_view text);

// `-12`, `0042`: decimal text that fits int64_t.
bool parse_decimal(std::string_view text, int64_t& number);

}  // namespace detectd
