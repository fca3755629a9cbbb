// Many texts, of which any may be equal to another text, its begin, its end, or within it: asked in the time
// of a binary search, within it of one for each place.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace detectd {

enum class Position : uint8_t { kWhole, kAnywhere, kStart, kEnd };

class AffixSet {
 public:
  // The texts must stay where they are.
  AffixSet(std::vector<std::string_view> texts, Position position);

  // Whether any of the texts stands at that position of `text`.
  bool any_in(std::string_view text) const;

 private:
  // Of kAnywhere: at the begin of the text.
  bool any_at(std::string_view text) const;
  bool before(std::string_view a, std::string_view b) const;
  bool stands_in(std::string_view part, std::string_view text) const;

  Position position_;
  // Sorted, from the end for kEnd. Of texts that begin (end) with each other the shortest is kept: it stands
  // wherever they do. Then between a text and the one that it begins with no other can lie.
  std::vector<std::string_view> texts_;
  // For kAnywhere, those that are looked for one by one: where texts are long, comparing them at each place
  // of another costs more than searching for them.
  std::vector<std::string_view> long_texts_;
};

}  // namespace detectd
