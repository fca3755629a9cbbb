#include "src/detectctl/commands.h"

#include <algorithm>

#include "engine/diagnostic.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr const Command* kCommands[] = {
    &kCheckCommand,        &kTestCommand,         &kWhyCommand,        &kNewCommand,
    &kFmtCommand,          &kMutateCommand,       &kDiffCommand,       &kBenchCommand,
    &kHuntCommand,         &kRulesListCommand,    &kRulesShowCommand,  &kRulesGraphCommand,
    &kRulesExportCommand,  &kFieldsCommand,       &kExplainCommand,    &kImportSigmaCommand,
    &kHitsCommand,         &kHitsListCommand,     &kHitsShowCommand,   &kHitsTreeCommand,
    &kHitsTopCommand,      &kHitsTimelineCommand, &kHitsExportCommand, &kHitsFollowCommand,
    &kHitsAckCommand,      &kReportCommand,       &kGapsCommand,       &kStatusCommand,
    &kEventsFollowCommand, &kTreeCommand,         &kReloadCommand,     &kMuteCommand,
    &kUnmuteCommand,       &kModeCommand,         &kDbCheckCommand,    &kDbVerifyCommand,
    &kDbStatsCommand,      &kDbPruneCommand,      &kDbSalvageCommand,  &kDoctorCommand,
    &kSelftestCommand,     &kSupportCommand,      &kCompletionCommand, &kManCommand,
};

std::string_view first_word(std::string_view name) { return name.substr(0, name.find(' ')); }

const Command* find_by_name(std::string_view name) {
  const auto found = std::find_if(std::begin(kCommands), std::end(kCommands),
                                  [name](const Command* command) { return command->name == name; });
  return found == std::end(kCommands) ? nullptr : *found;
}

// `rules` without what to do with them, or with what can not be done.
Error incomplete_command(const std::string& word, const std::string* second) {
  std::vector<std::string_view> seconds;
  std::string list;
  for (const Command* command : kCommands) {
    if (first_word(command->name) != word || command->name == word) continue;
    seconds.push_back(command->name.substr(word.size() + 1));
    list += (list.empty() ? "" : ", ") + std::string(seconds.back());
  }
  if (second == nullptr) return {Errc::kUsage, "detectctl " + word + " needs one of: " + list};
  const std::string hint = did_you_mean(*second, seconds);
  return {Errc::kUsage, "unknown command " + quoted(word + " " + *second) + "; " +
                            (hint.empty() ? "there are: " + list : hint)};
}

}  // namespace

std::span<const Command* const> commands() { return kCommands; }

Result<const Command*> find_command(const std::vector<std::string>& words, size_t& length) {
  const std::string* second = words.size() > 1 && !words[1].starts_with('-') ? &words[1] : nullptr;
  if (second != nullptr) {
    length = 2;
    if (const Command* command = find_by_name(words[0] + " " + *second)) return command;
  }
  length = 1;
  if (const Command* command = find_by_name(words[0])) return command;
  std::vector<std::string_view> known;
  for (const Command* command : kCommands) {
    if (first_word(command->name) == words[0]) return incomplete_command(words[0], second);
    known.push_back(first_word(command->name));
  }
  const std::string hint = did_you_mean(words[0], known);
  return Error{Errc::kUsage,
               "unknown command " + quoted(words[0]) + "; " + (hint.empty() ? "see detectctl --help" : hint)};
}

std::string help_of_commands() {
  std::string text =
      "Usage: detectctl COMMAND [arguments] [options]\n"
      "       detectctl COMMAND --help\n"
      "       detectctl --version\n"
      "\n"
      "For those who write rules for detectd, and those who run it.\n"
      "\n"
      "Commands:\n";
  for (const Command* command : kCommands) {
    text += help_line("  " + std::string(command->name) + " " + std::string(command->arguments),
                      command->summary);
  }
  return text +
         "\nExit status: 0 done, 1 the answer is no, 2 usage, 3 rules, 4 input, 5 system,\n"
         "6 done but incomplete. The manual page detectctl(1) has examples.\n";
}

std::string manual_of_commands() {
  std::string text;
  for (const Command* command : kCommands) {
    text += ".Ss detectctl " + std::string(command->name);
    if (!command->arguments.empty()) text += " " + std::string(command->arguments);
    text += "\n" + std::string(command->manual);
    if (!command->options.empty()) text += manual_of_options(command->options);
  }
  return text + ".Ss Options of every command\n" + manual_of_options(common_option_table());
}

}  // namespace detectd
