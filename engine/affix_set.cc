#include "engine/affix_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/pattern.h"

namespace detectd {
namespace {

constexpr size_t kLongBytes = 256;

}  // namespace

AffixSet::AffixSet(std::vector<std::string_view> texts, Position position)
    : position_(position), texts_(std::move(texts)) {
  if (position == Position::kAnywhere) {
    const auto first_long = std::partition(texts_.begin(), texts_.end(),
                                           [](std::string_view text) { return text.size() <= kLongBytes; });
    long_texts_.assign(first_long, texts_.end());
    texts_.erase(first_long, texts_.end());
  }
  std::sort(texts_.begin(), texts_.end(),
            [this](std::string_view a, std::string_view b) { return before(a, b); });
  const auto end = std::unique(texts_.begin(), texts_.end(),
                               [this](std::string_view a, std::string_view b) { return stands_in(a, b); });
  texts_.erase(end, texts_.end());
}

bool AffixSet::any_in(std::string_view text) const {
  if (position_ != Position::kAnywhere) return any_at(text);
  for (size_t i = 0; i <= text.size(); ++i) {
    if (any_at(text.substr(i))) return true;
  }
  return std::any_of(long_texts_.begin(), long_texts_.end(), [text](std::string_view part) {
    return find_text(text, part) != std::string_view::npos;
  });
}

bool AffixSet::any_at(std::string_view text) const {
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
    case Position::kAnywhere:  // at each place
    case Position::kStart: return text.starts_with(part);
    case Position::kEnd: return text.ends_with(part);
    case Position::kWhole: break;
  }
  return text == part;
}

}  // namespace detectd
