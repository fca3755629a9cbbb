// What must not be stored: the parts of texts that a list of regular expressions matches ([store] redact)
// become `[redacted]`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/regex.h"
#include "engine/result.h"

namespace detectd {

class Redaction {
 public:
  // Of nothing.
  Redaction() = default;
  // Errc::kRules with the reason for a pattern that can not be used.
  static Result<Redaction> compile(const std::vector<std::string>& patterns);

  bool empty() const { return patterns_.empty(); }
  // False where redact_text() would find nothing, found without looking closely.
  bool may_need(std::string_view text) const;

  // Whether anything was replaced.
  bool redact_text(std::string& text) const;
  // The values of a valid JSON document. A list of texts is searched as if it were joined by blanks, as
  // a command line is, so that `--password`, `x` is found by what finds `--password x`. Where anything was
  // replaced, `args_bytes`, which holds the same in base64, goes too.
  bool redact_json(std::string& json) const;

 private:
  struct Stretch {
    size_t begin = 0;
    size_t end = 0;
  };
  class JsonWalk;

  // A literal in lower case, and how far a search may go on by the last byte it looked at.
  struct Needle {
    std::string text;
    std::array<uint8_t, 256> skip{};
    // A byte of it that has no case: where it is not, the literal is not.
    std::optional<size_t> mark = std::nullopt;

    bool is_in(std::string_view haystack) const;
    bool is_at(const char* begin) const;
  };

  std::vector<Needle> find_needles() const;
  // Sorted, without overlaps.
  std::vector<Stretch> find_all(std::string_view text) const;
  // False where no pattern can be found in any line of `lines`.
  bool may_match(std::string_view lines) const;

  std::vector<Regex> patterns_;
  // The same with ^ and $ at line ends, to search many texts at once; empty where a pattern is tied to the
  // ends of its text in another way.
  std::vector<Regex> line_patterns_;
  // One of them is in every plain text that a pattern matches; empty where that can not be said of all patterns.
  std::vector<Needle> needles_;
};

}  // namespace detectd
