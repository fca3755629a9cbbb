// What a shell makes of a text that it is given with -c: simple commands and their words, quotes removed. Not a
// shell: what it is not sure of it calls unclear, and nothing is claimed of it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

struct ShellWord {
  size_t begin = 0, end = 0;  // in the text, quotes included
  std::string value;          // without quotes
  bool clear = true;          // `value` is what the command gets: no variable, substitution, pattern or brace
};

// `cat -n "a b" > c`: the words that are no assignment and no redirection.
struct ShellCommand {
  std::vector<ShellWord> words;
  bool clear = true;   // all words are, and no construct stands before them that decides whether it runs
  bool piped = false;  // one side of a pipe
  // Bytes that stand between its words are blanks and nothing else.
  bool only_blanks = true;
};

// In order. Commands inside of substitutions are not told. Of a text above kMaxShellText: none.
inline constexpr size_t kMaxShellText = 64 << 10;
std::vector<ShellCommand> shell_commands(std::string_view text);

// Whether shells do this themselves, without a program of that name.
bool is_shell_builtin(std::string_view name);
// `if`, `then`, `do`, ...
bool is_shell_keyword(std::string_view name);

// In single quotes, as one word.
std::string shell_quoted(std::string_view text);

}  // namespace detectd
