// How far a pattern gets in a text that it does not match: for people who ask why.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/pattern.h"
#include "engine/regex.h"

namespace detectd {

struct Reach {
  std::string found;   // the longest beginning of the pattern that the text has, as it is written
  bool whole = false;  // that is all of it, but the text goes on where it should end
  size_t end = 0;      // bytes into the text, behind what was found
};

// Nothing where the text has not even the first character.
std::optional<Reach> reach_of(const SigmaString& pattern, bool cased, std::string_view text);

// The same of a regular expression: of what its characters up to some place mean, if that is one. Of long ones only
// the first kMaxTriedCharacters are looked at.
inline constexpr size_t kMaxTriedCharacters = 1000;
std::optional<Reach> reach_of(std::string_view regex, const RegexFlags& flags, std::string_view text);

}  // namespace detectd
