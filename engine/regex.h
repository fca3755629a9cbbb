// Regular expressions: RE2's, in UTF-8, searched unanchored. The only file that sees RE2. Time is linear in
// the text; a pattern may need at most kMaxBytes.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace re2 {
class RE2;
}

namespace detectd {

struct RegexFlags {
  bool ignore_case = false;  // i
  bool multi_line = false;   // m: ^ and $ also match at line ends, else only at the ends of the text
  bool dot_all = false;      // s: . matches a newline, too
};

// Why a pattern was refused, and where in it.
struct RegexError {
  std::string code;  // D030 to D034 (RULE MISTAKES in detectd-rules(5))
  std::string message;
  std::string help;
  size_t offset = 0;  // bytes into the pattern
  size_t length = 1;
};

// In bytes.
struct RegexMatch {
  size_t offset = 0;
  size_t length = 0;
};

class Regex {
 public:
  static constexpr size_t kMaxBytes = 8u << 20;

  static std::variant<Regex, RegexError> compile(std::string_view pattern, const RegexFlags& flags);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  // May be called from several threads at once.
  bool matches(std::string_view text) const;
  // The leftmost match that begins at `from` or later; what stands before `from` is still its context.
  std::optional<RegexMatch> find(std::string_view text, size_t from = 0) const;

  // Folded literals of at least `min_bytes` of which one is in the folded text of everything it matches; empty where
  // none are known. Of several such sets one of rare literals.
  std::vector<std::string> necessary_literals(size_t min_bytes = 4) const;

  // Instructions: what a match costs grows with it.
  size_t program_size() const;
  // Whether there is no text that it does not match, as for `.*` with `s`, and for the empty pattern.
  // Found by trying, so a pattern that excludes only rare texts may be taken for one of these.
  bool matches_every_text() const;

 private:
  explicit Regex(std::unique_ptr<re2::RE2> re);

  std::unique_ptr<re2::RE2> re_;
};

}  // namespace detectd
