// The text of a TOML file before it is parsed: its places, and its blocks. A block is a table of the top
// level with all that belongs to it, from one `[[rule]]` to the next. Blocks are parsed one by one, so a
// mistake of syntax, at which a TOML parser stops, costs the rest of its block and not of the file.
//
// Works on any bytes, in time linear in them. The scan understands just enough of TOML (strings, comments,
// brackets) to find where a statement ends; where one is broken it goes on at the next line that looks
// like a header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/diagnostic.h"

namespace detectd {

// Places in a text: byte offsets to lines and columns, and back.
class TextMap {
 public:
  explicit TextMap(const SourceFile& file);

  // From byte `begin` to `end`, cut at the end of the line.
  Span span(size_t begin, size_t end) const;
  // From one line and column to another, cut at the end of the line, without looking at the text.
  Span span(uint32_t line, uint32_t column, uint32_t end_line, uint32_t end_column) const;
  // The byte at a line and column; the end of the line beyond it.
  size_t offset(uint32_t line, uint32_t column) const;
  uint32_t line_of(size_t offset) const;

 private:
  std::string_view line_text(size_t start) const;

  std::string_view text_;
  std::vector<size_t> starts_;
  std::vector<uint32_t> columns_;  // of each line, in code points
};

// `key = value` or a header, offsets into the file's text.
struct TomlStatement {
  size_t begin = 0;
  size_t end = 0;
  bool header = false;
  bool array = false;             // [[header]]
  std::vector<std::string> path;  // of the key or header, as far as it can be read
  size_t key_end = 0;
  size_t value = 0;                    // begin of the value; == end where there is none
  std::optional<size_t> open_string;   // begin of a string that is not closed
  std::optional<size_t> open_bracket;  // of the innermost bracket that is not closed
  std::optional<size_t> too_deep;      // where brackets or dotted keys exceed the limits
  std::optional<size_t> stray;         // a character beyond ASCII outside of strings and comments
};

inline constexpr size_t kMaxBracketDepth = 64;
inline constexpr size_t kMaxKeyParts = 16;

class TomlScanner {
 public:
  explicit TomlScanner(std::string_view text, size_t at = 0) : text_(text), at_(at) {}
  // The next statement, comments and blank lines skipped; nothing at the end of the text.
  std::optional<TomlStatement> next();

 private:
  std::string_view text_;
  size_t at_;
  bool no_more_basic_ = false;    // a search for """ reached the end of the text: no need for another
  bool no_more_literal_ = false;  // the same for '''
};

struct TomlBlock {
  std::string name;  // "rule"; empty for what stands before the first header
  size_t begin = 0;
  size_t end = 0;
  std::optional<size_t> too_deep;
  // toml++ 3.3 has undefined behaviour for a header that does not begin with a key, and for most
  // characters up to U+0499 outside of strings.
  std::optional<size_t> nameless_header;
  std::optional<size_t> stray;
};

std::vector<TomlBlock> split_blocks(std::string_view text);

}  // namespace detectd
