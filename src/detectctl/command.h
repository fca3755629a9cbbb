// What a sub-command of detectctl is: a row of the table of commands (commands.cc), with a table of options
// of its own. The tables make the parser, --help and the COMMANDS section of detectctl(1).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/command_line.h"
#include "src/exit_status.h"
#include "src/option_table.h"
#include "src/report/output.h"
#include "src/report/terminal.h"

namespace detectd {

// What every sub-command has.
struct CommonOptions {
  bool help = false;
  bool quiet = false;
  ColorChoice color = ColorChoice::kAuto;
};
std::span<const OptionRow> common_option_table();

struct Command {
  // One or two words: "check", "rules list".
  std::string_view name{};
  std::string_view arguments{};  // "[PATH...]"; empty: there may be none
  std::string_view summary{};    // a line of at most 54 columns, as help of an option
  std::string_view manual{};     // mdoc, one sentence a line
  std::span<const OptionRow> options{};
  ExitStatus (*run)(const Command& command, const std::vector<std::string>& words, Output& output) = nullptr;
};

// A sub-command that was called: the arguments that are no options, and what every sub-command has.
struct Call {
  const Command& command;
  CommonOptions common;
  std::vector<std::string> arguments;
  Output& output;
};

// Tells the error on standard error.
ExitStatus fail(const Error& error);
// The same, and where to read on.
ExitStatus fail_usage(const Call& call, std::string message);

// Reads the command line of a sub-command and sets the log up. Nothing to be done then (a mistake, or --help)
// if `status` is set.
struct ReadCall {
  Call call;
  std::optional<ExitStatus> status;
};
ReadCall read_call(const Command& command, const std::vector<std::string>& words, void* options,
                   Output& output);

// From 0 to 100; Errc::kUsage.
Result<unsigned> parse_percentage(const std::string& text);
// For OptionRow::apply: the member becomes the percentage.
template <auto Member>
Status assign_percentage(void* options, const std::string& value) {
  const Result<unsigned> percentage = parse_percentage(value);
  if (!percentage) return percentage.error();
  static_cast<OwnerOf<Member>*>(options)->*Member = *percentage;
  return {};
}

// A Command's `run`: reads its options into `Options` and calls `Task`.
template <class Options, ExitStatus (*Task)(const Options&, Call&)>
ExitStatus run_command(const Command& command, const std::vector<std::string>& words, Output& output) {
  Options options;
  ReadCall read = read_call(command, words, &options, output);
  return read.status ? *read.status : Task(options, read.call);
}

// What `detectctl NAME --help` prints.
std::string help_of(const Command& command);

}  // namespace detectd
