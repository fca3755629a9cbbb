// A mistake in a rule file, a configuration or a capture, told to the person who wrote it: a stable
// code, the place, the line with a caret under what is wrong, and what to do.
//
//   error[D001]: unknown escape '\s' in a double-quoted string
//     --> rules/web-shell.toml:7:34
//      |
//    7 | x."process.command_line|re" = "nc\s+-e"
//      |                                  ^^
//      = help: write patterns in single quotes: 'nc\s+-e'
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

// A text that diagnostics point into. The path is as the person gave it.
struct SourceFile {
  std::string path;
  std::string text;
  // Where the text begins in the file: of a capture's broken line only a part is kept.
  uint32_t first_line = 1;
  uint32_t first_column = 1;
};
using SourcePtr = std::shared_ptr<const SourceFile>;

// A stretch of one line. Columns count code points from 1; line 0 is "the file as a whole".
struct Span {
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t length = 1;
};

// A line of a file (from 1), without its end and without a byte order mark; empty beyond the last.
// The view points into `file`.
std::string_view source_line(const SourceFile& file, uint32_t line);

enum class Severity : uint8_t { kError, kWarning };

struct Note {
  SourcePtr file;
  Span span;
  std::string text;  // shown with the place behind it: "first defined" at a.toml:2:1
};

struct Diagnostic {
  std::string code;  // "D001"
  Severity severity = Severity::kError;
  SourcePtr file;  // may be null: a mistake without a text, such as an unreadable path
  Span span;
  std::string message;
  std::string help;  // empty: none
  std::vector<Note> notes;
};

// Collects; never stops at the first. What is said twice of one place counts once. Bounded: beyond kMax only counts (a hostile rule file must
// not fill the memory with complaints).
class Diagnostics {
 public:
  static constexpr size_t kMax = 1000;

  void add(Diagnostic diagnostic);
  // Sorted by path, line and column; stable.
  void sort();

  const std::vector<Diagnostic>& all() const { return all_; }
  size_t errors() const { return errors_; }
  size_t warnings() const { return warnings_; }
  size_t dropped() const { return errors_ + warnings_ - all_.size(); }

 private:
  bool is_told(const Diagnostic& diagnostic);

  std::vector<Diagnostic> all_;
  std::set<std::string> told_;  // of those with a place
  size_t errors_ = 0;
  size_t warnings_ = 0;
};

// As in the example above, ends with a newline. Text of files is escaped (escape.h); tabs are shown
// as one blank; a line longer than 160 columns is cut to a window around the caret.
struct RenderOptions {
  bool color = false;
};
std::string render(const Diagnostic& diagnostic, const RenderOptions& options = {});

// "did you mean `x`?" for the nearest of `candidates` (edit distance at most a third of the word,
// and 1 to 3); empty where none is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates);

// The table of all codes, diagnostic_codes.def; nothing for one that does not exist.
struct CodeInfo {
  std::string_view code;
  std::string_view meaning;
};
const CodeInfo* find_diagnostic_code(std::string_view code);

}  // namespace detectd
