// Command lines: words against tables of options (option_table.h). The tables make the parser, --help and the
// manual, so what stands there is what is parsed. The only file that sees CLI11.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/result.h"
#include "src/option_table.h"

namespace detectd {

// Rows, and the struct of options that they are for.
struct OptionTarget {
  std::span<const OptionRow> rows;
  void* options = nullptr;
};

// Puts the options among `words` into their structs, in the order in which they are written, and returns the
// words that are no options. `help` is the command that a message sends people to, as `detectd --help`.
// A mistake is Errc::kUsage; its message says what to write instead.
Result<std::vector<std::string>> read_command_line(const std::vector<std::string>& words,
                                                   const std::vector<OptionTarget>& targets,
                                                   std::string_view help);

// The options as --help shows them, at most 80 columns wide, with a heading where the group changes.
std::string help_of_options(std::span<const OptionRow> rows);
// The options as a list in mdoc.
std::string manual_of_options(std::span<const OptionRow> rows);

// `head` padded to the column where help begins, and there the lines of `help`.
std::string help_line(std::string head, std::string_view help);

}  // namespace detectd
