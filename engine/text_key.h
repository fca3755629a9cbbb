// What must be in a text for some test of it to hold, in forms that can be looked up for thousands of tests at
// once. Keys are folded, and so must be the texts they are looked for in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

struct TextKey {
  enum class Kind : uint8_t {
    kWhole,     // is the whole text
    kLastPart,  // begins with `/` or `\`, and is what the text has from its last one on
    kWithin,    // is a part of the text
  };
  Kind kind = Kind::kWithin;
  std::string text;

  auto operator<=>(const TextKey&) const = default;
};

// About which share of the texts that ordinary hosts run has this key: 1 for all. Measured for what is common;
// for anything else a small number. Good for choosing between keys, and no more.
double frequency_of(const TextKey& key);
double frequency_of(const std::vector<TextKey>& any_of);

// The same of two to four bytes; NUL is the begin or the end of a text.
double frequency_of_gram(std::string_view gram);

}  // namespace detectd
