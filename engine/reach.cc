#include "engine/reach.h"

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "engine/text_fold.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

using Kind = SigmaString::Kind;
using Part = SigmaString::Part;

// Where the code points of a text begin, and its end.
std::vector<size_t> code_points_of(std::string_view text) {
  std::vector<size_t> places = {0};
  while (places.back() < text.size()) {
    places.push_back(places.back() + code_point_size(text.substr(places.back())));
  }
  return places;
}

// The beginnings of a pattern, from the empty one to all of it, each a code point or a wildcard longer.
class Beginnings {
 public:
  explicit Beginnings(const SigmaString& pattern) : parts_(pattern.parts()) {
    for (size_t part = 0; part < parts_.size(); ++part) {
      if (parts_[part].kind != Kind::kLiteral) {
        ends_.emplace_back(part, 0);
        continue;
      }
      const std::vector<size_t> places = code_points_of(parts_[part].text);
      for (size_t i = 1; i < places.size(); ++i) ends_.emplace_back(part, places[i]);
    }
  }

  size_t size() const { return ends_.size() + 1; }

  SigmaString operator[](size_t length) const {
    SigmaString beginning;
    if (length == 0) return beginning;
    const auto& [last, bytes] = ends_[length - 1];
    for (size_t part = 0; part < last; ++part) beginning.append(parts_[part]);
    Part end = parts_[last];
    if (end.kind == Kind::kLiteral) end.text.resize(bytes);
    beginning.append(std::move(end));
    return beginning;
  }

 private:
  const std::vector<Part>& parts_;
  std::vector<std::pair<size_t, size_t>> ends_;  // the last part, and how many bytes of it
};

// Without a `*` at its begin: which `contains` and `endswith` put there.
std::string written(const SigmaString& pattern) {
  std::string text;
  for (const Part& part : pattern.parts()) {
    switch (part.kind) {
      case Kind::kLiteral: text += part.text; break;
      case Kind::kMany: text += text.empty() ? "" : "*"; break;
      case Kind::kOne: text += '?'; break;
      case Kind::kDash: text += '-'; break;
    }
  }
  return text;
}

// Whether the text begins as the pattern does.
bool begins(std::string_view folded_text, SigmaString beginning, bool cased) {
  beginning.end_with_any();
  return Pattern(beginning, cased).matches(folded_text);
}

// The last index below `size` for which `holds`, which does for 0 and, once it does not, for none behind it.
template <class Holds>
size_t last_that(size_t size, Holds holds) {
  size_t low = 0;
  for (size_t high = size; high - low > 1;) {
    const size_t middle = low + (high - low) / 2;
    (holds(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace

std::optional<Reach> reach_of(const SigmaString& pattern, bool cased, std::string_view text) {
  const std::string compared = cased ? std::string(text) : folded(text);
  const Beginnings beginnings(pattern);
  const size_t longest = last_that(
      beginnings.size(), [&](size_t length) { return begins(compared, beginnings[length], cased); });
  const SigmaString found = beginnings[longest];
  Reach reach{.found = written(found), .whole = longest + 1 == beginnings.size(), .end = 0};
  if (reach.found.empty()) return std::nullopt;
  // Folding keeps the number of code points, so places are counted in these.
  const std::vector<size_t> places = code_points_of(compared);
  const size_t too_short = last_that(places.size(), [&](size_t count) {
    return count == 0 || !begins(std::string_view(compared).substr(0, places[count]), found, cased);
  });
  reach.end = code_points_of(text)[std::min(too_short + 1, places.size() - 1)];
  return reach;
}

std::optional<Reach> reach_of(std::string_view regex, const RegexFlags& flags, std::string_view text) {
  const std::vector<size_t> places = code_points_of(regex);
  for (size_t length = std::min(places.size() - 1, kMaxTriedCharacters); length > 0; --length) {
    const std::string_view beginning = regex.substr(0, places[length]);
    const auto compiled = Regex::compile(beginning, flags);
    const auto* const tried = std::get_if<Regex>(&compiled);
    if (tried == nullptr) continue;
    if (tried->matches_every_text()) return std::nullopt;
    if (const auto match = tried->find(text)) {
      return Reach{.found = std::string(beginning), .whole = false, .end = match->offset + match->length};
    }
  }
  return std::nullopt;
}

}  // namespace detectd
