// Sigma's strings. SigmaString is one as written: literal text, `*` (any run of characters, also none, also
// newlines) and `?` (one code point); the escapes are `\*`, `\?` and `\\`, a backslash before anything else
// is itself. Pattern is one made ready to match.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/text_key.h"

namespace detectd {

// Where `what` is in `text`; npos if it is not there. Linear time whatever the texts are, which
// string_view::find does not promise.
size_t find_text(std::string_view text, std::string_view what);

class SigmaString {
 public:
  enum class Kind : uint8_t {
    kLiteral,
    kMany,  // *
    kOne,   // ?
    kDash,  // any of the characters that start a flag: - / and the dashes U+2013 to U+2015
  };
  struct Part {
    Kind kind = Kind::kLiteral;
    std::string text;  // kLiteral only
    bool operator==(const Part&) const = default;
  };

  static SigmaString parse(std::string_view written);
  static SigmaString literal(std::string_view text);

  const std::vector<Part>& parts() const { return parts_; }
  bool has_wildcards() const;
  // The text without escapes; only where has_wildcards() is false and there is no kDash.
  std::string text() const;

  // Neighbouring literals become one.
  void append(Part part);
  void append(const SigmaString& other);
  void begin_with_any() { parts_.insert(parts_.begin(), Part{Kind::kMany, {}}); }
  void end_with_any() { parts_.push_back({Kind::kMany, {}}); }

  // As pySigma's windash: each `-` or `/` that starts a word, and does not follow one, becomes a kDash.
  SigmaString with_dashes() const;
  // Every text that the kDash parts stand for; nothing if there are more than `limit`.
  std::vector<SigmaString> without_dashes(size_t limit) const;

 private:
  std::vector<Part> parts_;
};

// Matches whole values. Time is at most the text's size times the pattern's; there is no backtracking
// over `*`.
class Pattern {
 public:
  enum class Shape : uint8_t { kAny, kEqual, kPrefix, kSuffix, kContains, kGeneral };

  // Unless `cased`, the pattern is folded, and the texts it is asked about must be.
  Pattern(const SigmaString& string, bool cased);

  bool matches(std::string_view text) const;

  Shape shape() const { return shape_; }
  // The one literal of every shape between kEqual and kContains; empty for the others.
  const std::string& literal() const { return literal_; }
  // Every one of these is a part of each text that matches.
  std::vector<std::string> literals() const;
  // A suffix that is a whole last part of a path, as in `*/sh` or `*\sh.exe`.
  bool is_last_part() const;
  // What each text that matches has: whole, as its last part, or the rarest literal. Nothing for `*` and the like.
  std::optional<TextKey> key() const;
  // Canonical: equal text, equal meaning (for equal casing). Written as Sigma does, a dash as `\-`.
  std::string canonical() const;

 private:
  using Kind = SigmaString::Kind;
  using Part = SigmaString::Part;
  // What stands between two `*`: literals, `?` and dashes.
  struct Segment {
    std::vector<Part> parts;
    size_t anchor = 0;  // the longest literal, parts.size() where there is none
  };

  static size_t longest_literal(const std::vector<Part>& parts);
  void find_shape();
  // These remove from `text` what they matched; where they did not, `text` is left in any state.
  static bool take_front(std::span<const Part> parts, std::string_view& text);
  static bool take_back(std::span<const Part> parts, std::string_view& text);
  static bool take_first(const Segment& segment, std::string_view& text);
  bool matches_general(std::string_view text) const;

  Shape shape_ = Shape::kAny;
  std::string literal_;
  std::vector<Segment> segments_;  // kGeneral: one more than there are `*`; the outer ones may be empty
};

}  // namespace detectd
