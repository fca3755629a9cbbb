#include "engine/pattern.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/text_fold.h"
#include "engine/utf8.h"

namespace detectd {
namespace {

constexpr std::string_view kDashes[] = {"-", "/", "\u2013", "\u2014", "\u2015"};

// As Python's \w. Beyond ASCII this is a rule of thumb: letters are, Latin-1's signs and general
// punctuation are not.
bool is_word(char32_t point) {
  if (point < 0x80) {
    return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
           (point >= 'a' && point <= 'z') || point == '_';
  }
  return point >= 0xC0 && point != 0xD7 && point != 0xF7 && !(point >= 0x2000 && point <= 0x206F);
}

bool is_dash(std::string_view text) {
  return std::find(std::begin(kDashes), std::end(kDashes), text) != std::end(kDashes);
}

// Every backslash is doubled, so that `\-` can stand for a dash.
std::string escaped(std::string_view literal) {
  std::string text;
  for (const char c : literal) {
    if (c == '*' || c == '?' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

// As find_text, for literals of rules: sixteen places at a time by their first and last byte. On a command
// line some ten times faster than memmem, and still bounded, for these literals are short.
size_t find_literal(std::string_view text, std::string_view what) {
#ifdef __SSE2__
  constexpr size_t kLanes = sizeof(__m128i);
  constexpr size_t kLongest = 64;
  if (what.size() < 2 || what.size() > kLongest) return find_text(text, what);
  if (text.size() < what.size() - 1 + kLanes) return text.find(what);
  const __m128i first = _mm_set1_epi8(what.front());
  const __m128i last = _mm_set1_epi8(what.back());
  const auto load = [&](size_t at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
  };
  const size_t last_block = text.size() - (what.size() - 1) - kLanes;
  for (size_t at = 0;; at = std::min(at + kLanes, last_block)) {
    const __m128i both =
        _mm_and_si128(_mm_cmpeq_epi8(load(at), first), _mm_cmpeq_epi8(load(at + what.size() - 1), last));
    for (auto bits = static_cast<unsigned>(_mm_movemask_epi8(both)); bits != 0; bits &= bits - 1) {
      const size_t found = at + static_cast<size_t>(std::countr_zero(bits));
      if (std::memcmp(text.data() + found, what.data(), what.size()) == 0) return found;
    }
    if (at == last_block) return std::string_view::npos;
  }
#else
  return find_text(text, what);
#endif
}

}  // namespace

size_t find_text(std::string_view text, std::string_view what) {
  const void* const found = memmem(text.data(), text.size(), what.data(), what.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

void SigmaString::append(Part part) {
  if (part.kind == Kind::kLiteral) {
    if (part.text.empty()) return;
    if (!parts_.empty() && parts_.back().kind == Kind::kLiteral) {
      parts_.back().text += part.text;
      return;
    }
  }
  parts_.push_back(std::move(part));
}

void SigmaString::append(const SigmaString& other) {
  for (const Part& part : other.parts_) append(part);
}

SigmaString SigmaString::literal(std::string_view text) {
  SigmaString string;
  string.append({Kind::kLiteral, std::string(text)});
  return string;
}

SigmaString SigmaString::parse(std::string_view written) {
  SigmaString string;
  std::string text;
  for (size_t i = 0; i < written.size(); ++i) {
    const char c = written[i];
    const char next = i + 1 < written.size() ? written[i + 1] : '\0';
    if (c == '\\' && (next == '*' || next == '?' || next == '\\')) {
      text += next;
      ++i;
    } else if (c == '*' || c == '?') {
      string.append({Kind::kLiteral, std::exchange(text, {})});
      string.append({c == '*' ? Kind::kMany : Kind::kOne, {}});
    } else {
      text += c;
    }
  }
  string.append({Kind::kLiteral, std::move(text)});
  return string;
}

bool SigmaString::has_wildcards() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.kind == Kind::kMany || part.kind == Kind::kOne; });
}

std::string SigmaString::text() const {
  std::string text;
  for (const Part& part : parts_) text += part.text;
  return text;
}

SigmaString SigmaString::with_dashes() const {
  SigmaString string;
  for (const Part& part : parts_) {
    if (part.kind != Kind::kLiteral) {
      string.append(part);
      continue;
    }
    // pySigma looks at each literal by itself, so a wildcard before a dash is no word.
    bool after_word = false;
    for (std::string_view rest = part.text; !rest.empty();) {
      const size_t size = code_point_size(rest);
      const char32_t point = decode_utf8(rest).value;
      const std::string_view after = rest.substr(size);
      if ((point == '-' || point == '/') && !after_word && !after.empty() &&
          is_word(decode_utf8(after).value)) {
        string.append({Kind::kDash, {}});
      } else {
        string.append({Kind::kLiteral, std::string(rest.substr(0, size))});
      }
      after_word = is_word(point);
      rest = after;
    }
  }
  return string;
}

std::vector<SigmaString> SigmaString::without_dashes(size_t limit) const {
  std::vector<SigmaString> strings(1);
  for (const Part& part : parts_) {
    if (part.kind != Kind::kDash) {
      for (SigmaString& string : strings) string.append(part);
      continue;
    }
    if (strings.size() * std::size(kDashes) > limit) return {};
    std::vector<SigmaString> longer;
    for (const SigmaString& string : strings) {
      for (const std::string_view dash : kDashes) {
        longer.push_back(string);
        longer.back().append({Kind::kLiteral, std::string(dash)});
      }
    }
    strings = std::move(longer);
  }
  return strings;
}

Pattern::Pattern(const SigmaString& string, bool cased) {
  // Of neighbouring wildcards only how many `?` there are, and whether a `*`, matters.
  segments_.emplace_back();
  bool many = false;
  for (const Part& part : string.parts()) {
    if (part.kind == Kind::kMany) {
      many = true;
      continue;
    }
    if (many && part.kind != Kind::kOne) {
      segments_.emplace_back();
      many = false;
    }
    Segment& segment = segments_.back();
    segment.parts.push_back(part);
    if (!cased && part.kind == Kind::kLiteral) segment.parts.back().text = folded(part.text);
  }
  if (many) segments_.emplace_back();
  for (Segment& segment : segments_) segment.anchor = longest_literal(segment.parts);
  find_shape();
}

size_t Pattern::longest_literal(const std::vector<Part>& parts) {
  size_t longest = parts.size();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].kind != Kind::kLiteral) continue;
    if (longest == parts.size() || parts[i].text.size() > parts[longest].text.size()) longest = i;
  }
  return longest;
}

void Pattern::find_shape() {
  const auto plain = [](const Segment& segment) {
    return segment.parts.size() == 1 && segment.parts[0].kind == Kind::kLiteral;
  };
  const bool begins = segments_.front().parts.empty();  // with `*`
  const bool ends = segments_.back().parts.empty();
  if (segments_.size() == 1 && (begins || plain(segments_[0]))) {
    shape_ = Shape::kEqual;
  } else if (segments_.size() == 2 && begins && ends) {
    shape_ = Shape::kAny;
  } else if (segments_.size() == 2 && plain(segments_[0]) && ends) {
    shape_ = Shape::kPrefix;
  } else if (segments_.size() == 2 && begins && plain(segments_[1])) {
    shape_ = Shape::kSuffix;
  } else if (segments_.size() == 3 && begins && plain(segments_[1]) && ends) {
    shape_ = Shape::kContains;
  } else {
    shape_ = Shape::kGeneral;
    return;
  }
  for (const Segment& segment : segments_) {
    if (plain(segment)) literal_ = segment.parts[0].text;
  }
  segments_.clear();
}

bool Pattern::matches(std::string_view text) const {
  switch (shape_) {
    case Shape::kAny: return true;
    case Shape::kEqual: return text == literal_;
    case Shape::kPrefix: return text.starts_with(literal_);
    case Shape::kSuffix: return text.ends_with(literal_);
    case Shape::kContains: return find_literal(text, literal_) != std::string_view::npos;
    case Shape::kGeneral: return matches_general(text);
  }
  return false;
}

// The outer segments are fixed to the ends; each one between takes the first place it fits, which leaves
// the most room for the next.
bool Pattern::matches_general(std::string_view text) const {
  if (!take_front(segments_.front().parts, text)) return false;
  if (segments_.size() == 1) return text.empty();
  if (!take_back(segments_.back().parts, text)) return false;
  for (size_t i = 1; i + 1 < segments_.size(); ++i) {
    if (!take_first(segments_[i], text)) return false;
  }
  return true;
}

bool Pattern::take_front(std::span<const Part> parts, std::string_view& text) {
  for (const Part& part : parts) {
    size_t size = 0;
    if (part.kind == Kind::kLiteral) {
      if (!text.starts_with(part.text)) return false;
      size = part.text.size();
    } else {
      if (text.empty()) return false;
      size = code_point_size(text);
      if (part.kind == Kind::kDash && !is_dash(text.substr(0, size))) return false;
    }
    text.remove_prefix(size);
  }
  return true;
}

bool Pattern::take_back(std::span<const Part> parts, std::string_view& text) {
  for (size_t i = parts.size(); i-- > 0;) {
    const Part& part = parts[i];
    size_t size = 0;
    if (part.kind == Kind::kLiteral) {
      if (!text.ends_with(part.text)) return false;
      size = part.text.size();
    } else {
      if (text.empty()) return false;
      size = last_code_point_size(text);
      if (part.kind == Kind::kDash && !is_dash(text.substr(text.size() - size))) return false;
    }
    text.remove_suffix(size);
  }
  return true;
}

// Takes everything up to the end of the first place where the segment fits.
bool Pattern::take_first(const Segment& segment, std::string_view& text) {
  const std::span<const Part> parts = segment.parts;
  if (segment.anchor == parts.size()) {
    for (std::string_view rest = text;; rest.remove_prefix(code_point_size(rest))) {
      std::string_view tail = rest;
      if (take_front(parts, tail)) {
        text = tail;
        return true;
      }
      if (rest.empty()) return false;
    }
  }
  // Before and behind its longest literal every part has one length in code points, so the first
  // occurrence of that literal at which all fits is the first place.
  const std::string& literal = parts[segment.anchor].text;
  for (size_t from = 0;;) {
    const size_t found = find_literal(text.substr(from), literal);
    if (found == std::string_view::npos) return false;
    std::string_view before = text.substr(0, from + found);
    std::string_view behind = text.substr(from + found + literal.size());
    if (take_back(parts.first(segment.anchor), before) &&
        take_front(parts.subspan(segment.anchor + 1), behind)) {
      text = behind;
      return true;
    }
    from += found + 1;
  }
}

std::vector<std::string> Pattern::literals() const {
  if (shape_ != Shape::kGeneral) {
    return literal_.empty() ? std::vector<std::string>{} : std::vector{literal_};
  }
  std::vector<std::string> literals;
  for (const Segment& segment : segments_) {
    for (const Part& part : segment.parts) {
      if (part.kind == Kind::kLiteral) literals.push_back(part.text);
    }
  }
  return literals;
}

bool Pattern::is_last_part() const { return shape_ == Shape::kSuffix && literal_.find_last_of("/\\") == 0; }

std::optional<TextKey> Pattern::key() const {
  using KeyKind = TextKey::Kind;
  if (shape_ == Shape::kAny) return std::nullopt;
  if (shape_ == Shape::kEqual) return TextKey{KeyKind::kWhole, literal_};
  if (is_last_part()) return TextKey{KeyKind::kLastPart, literal_};
  if (shape_ != Shape::kGeneral) return TextKey{KeyKind::kWithin, literal_};
  std::optional<TextKey> rarest;
  for (std::string& literal : literals()) {
    TextKey key{KeyKind::kWithin, std::move(literal)};
    if (!rarest || frequency_of(key) < frequency_of(*rarest)) rarest = std::move(key);
  }
  return rarest;
}

std::string Pattern::canonical() const {
  switch (shape_) {
    case Shape::kAny: return "*";
    case Shape::kEqual: return escaped(literal_);
    case Shape::kPrefix: return escaped(literal_) + '*';
    case Shape::kSuffix: return '*' + escaped(literal_);
    case Shape::kContains: return '*' + escaped(literal_) + '*';
    case Shape::kGeneral: break;
  }
  std::string text;
  for (size_t i = 0; i < segments_.size(); ++i) {
    if (i > 0) text += '*';
    for (const Part& part : segments_[i].parts) {
      switch (part.kind) {
        case Kind::kLiteral: text += escaped(part.text); break;
        case Kind::kOne: text += '?'; break;
        case Kind::kDash: text += "\\-"; break;
        case Kind::kMany: break;
      }
    }
  }
  return text;
}

}  // namespace detectd
