#include "engine/affix_set.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace detectd {

AffixSet::AffixSet(std::vector<std::string_view> texts, Position position)
    : position_(position), texts_(std::move(texts)) {
  assert(position != Position::kAnywhere && "no order finds a text within another");
  std::sort(texts_.begin(), texts_.end(),
            [this](std::string_view a, std::string_view b) { return before(a, b); });
  const auto end = std::unique(texts_.begin(), texts_.end(),
                               [this](std::string_view a, std::string_view b) { return stands_in(a, b); });
  texts_.erase(end, texts_.end());
}

bool AffixSet::any_in(std::string_view text) const {
  const auto behind =
      std::upper_bound(texts_.begin(), texts_.end(), text,
                       [this](std::string_view a, std::string_view b) { return before(a, b); });
  return behind != texts_.begin() && stands_in(*std::prev(behind), text);
}

bool AffixSet::before(std::string_view a, std::string_view b) const {
  if (position_ != Position::kEnd) return a < b;
  return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

bool AffixSet::stands_in(std::string_view part, std::string_view text) const {
  switch (position_) {
    case Position::kStart: return text.starts_with(part);
    case Position::kEnd: return text.ends_with(part);
    case Position::kWhole:
    case Position::kAnywhere: break;
  }
  return text == part;
}

}  // namespace detectd
