// The options of well-known tools, and the same options said in another way.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace detectd {

struct Tool {
  std::string_view name, flags, valued, long_names, ways;

  bool permutes() const { return ways.find('p') != std::string_view::npos; }
  bool getopt_long() const { return ways.find('g') != std::string_view::npos; }
  // Empty: it has none that is known.
  std::string_view long_name(char letter) const;
};
// Nothing for a tool whose options are not known. `nc.openbsd` is `nc`.
const Tool* find_tool(std::string_view name);

// One option, or an operand: then `letter` is NUL.
struct ToolArgument {
  char letter = '\0';
  std::string long_name;  // with `letter` where it has one
  bool has_value = false;
  std::string value;

  bool is_operand() const { return letter == '\0' && long_name.empty(); }
};

enum class OptionForm {
  kAsLetters,     // -r -f, each by itself
  kClustered,     // -rf
  kLong,          // --recursive --force, --output=x
  kLongApart,     // --output x
  kAbbreviated,   // --recursiv
  kAttached,      // -ox
  kBehind,        // operands first
  kEndOfOptions,  // -r -f -- operand
};

// The arguments behind the program's name; nothing where an option is not known.
std::optional<std::vector<ToolArgument>> parse_tool_arguments(const Tool& tool,
                                                              std::span<const std::string> args);
// The same in that form; nothing where the tool has no such form, or no option for it.
std::optional<std::vector<std::string>> in_form(const Tool& tool, const std::vector<ToolArgument>& parts,
                                                OptionForm form);

}  // namespace detectd
