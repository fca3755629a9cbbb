// Many texts, of which any may be equal to another text, or be its begin or its end: asked in the time of a
// binary search.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace detectd {

enum class Position : uint8_t { kWhole, kAnywhere, kStart, kEnd };

class AffixSet {
 public:
  // `position` is not kAnywhere. The texts must stay where they are.
  AffixSet(std::vector<std::string_view> texts, Position position);

  // Whether any of the texts stands at that position of `text`.
  bool any_in(std::string_view text) const;

 private:
  bool before(std::string_view a, std::string_view b) const;
  bool stands_in(std::string_view part, std::string_view text) const;

  Position position_;
  // Sorted, from the end for kEnd. Of texts that begin (end) with each other the shortest is kept: it stands
  // wherever they do. Then between a text and the one that it begins with no other can lie.
  std::vector<std::string_view> texts_;
};

}  // namespace detectd
