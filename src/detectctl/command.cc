#include "src/detectctl/command.h"

#include <unistd.h>

#include <utility>

#include "src/log.h"
#include "src/text.h"

namespace detectd {
namespace {

Status set_color(CommonOptions& options, const std::string& value) {
  return choose_color(value, options.color);
}

constexpr std::string_view kGroup = "Of every command";

constexpr OptionRow kCommonTable[] = {
    {.group = kGroup,
     .letter = 'q',
     .name = "quiet",
     .help = "no notes, warnings or summary; results and errors only",
     .manual = "No notes, warnings or summary: results and errors only.\n",
     .apply = enable<&CommonOptions::quiet>},
    {.group = kGroup,
     .name = "color",
     .value = "WHEN",
     .help = kColorHelp,
     .manual = kColorManual,
     .apply = set<set_color>},
    {.group = kGroup,
     .letter = 'h',
     .name = "help",
     .help = "print this text",
     .manual = "Print what the command does, and its options.\n",
     .apply = enable<&CommonOptions::help>},
};

std::string full_name(const Command& command) { return "detectctl " + std::string(command.name); }

}  // namespace

std::span<const OptionRow> common_option_table() { return kCommonTable; }

Result<unsigned> parse_percentage(const std::string& text) {
  const auto percentage = parse_number<unsigned>(text);
  if (!percentage || *percentage > 100) {
    return Error{Errc::kUsage, quoted(text) + " is not a percentage from 0 to 100"};
  }
  return *percentage;
}

ExitStatus fail(const Error& error) {
  log::error(error.message);
  return exit_status_of(error);
}

ExitStatus fail_usage(const Call& call, std::string message) {
  return fail({Errc::kUsage, std::move(message) + "; see " + full_name(call.command) + " --help"});
}

ReadCall read_call(const Command& command, const std::vector<std::string>& words, void* options,
                   Output& output) {
  ReadCall read{.call = {command, {}, {}, output}, .status = {}};
  CommonOptions& common = read.call.common;
  auto arguments = read_command_line(words, {{command.options, options}, {kCommonTable, &common}},
                                     full_name(command) + " --help");
  if (!arguments) {
    read.status = fail(arguments.error());
    return read;
  }
  log::set_up({.color = inspect_terminal(STDERR_FILENO, common.color).color, .quiet = common.quiet});
  if (common.help) {
    output.write(help_of(command));
    read.status = ExitStatus::kDone;
  } else if (command.arguments.empty() && !arguments->empty()) {
    read.status = fail_usage(read.call, "unexpected argument " + quoted(arguments->front()));
  }
  read.call.arguments = *std::move(arguments);
  return read;
}

std::string help_of(const Command& command) {
  std::string text = "Usage: " + full_name(command);
  if (!command.arguments.empty()) text += " " + std::string(command.arguments);
  text += " [options]\n\n";
  // The summary is laid out for the list of commands.
  for (const char c : command.summary) text += c == '\n' ? ' ' : c;
  text += "\n" + help_of_options(command.options) + help_of_options(kCommonTable);
  return text + "\nThe manual page detectctl(1) has more, and examples.\n";
}

}  // namespace detectd
