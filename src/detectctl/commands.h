// All sub-commands of detectctl.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/result.h"
#include "src/detectctl/command.h"

namespace detectd {

// In the order of --help.
std::span<const Command* const> commands();

// The command that `words` begin with; how many of the words are its name is in `length`. Of `hits` and
// `hits show` the longer is taken. Errc::kUsage, with a spelling hint, if there is none.
Result<const Command*> find_command(const std::vector<std::string>& words, size_t& length);

// What detectctl --help prints.
std::string help_of_commands();
// The COMMANDS section of the manual, in mdoc.
std::string manual_of_commands();

// A file each.
extern const Command kBenchCommand;
extern const Command kCheckCommand;
extern const Command kCompletionCommand;
extern const Command kDiffCommand;
extern const Command kDoctorCommand;
extern const Command kEventsFollowCommand;
extern const Command kExplainCommand;
extern const Command kDbCheckCommand;
extern const Command kDbPruneCommand;
extern const Command kDbSalvageCommand;
extern const Command kDbStatsCommand;
extern const Command kDbVerifyCommand;
extern const Command kFieldsCommand;
extern const Command kFmtCommand;
extern const Command kGapsCommand;
extern const Command kHitsAckCommand;
extern const Command kHitsCommand;
extern const Command kHitsExportCommand;
extern const Command kHitsFollowCommand;
extern const Command kHitsListCommand;
extern const Command kHitsShowCommand;
extern const Command kHitsTimelineCommand;
extern const Command kHitsTopCommand;
extern const Command kHitsTreeCommand;
extern const Command kHuntCommand;
extern const Command kImportSigmaCommand;
extern const Command kManCommand;
extern const Command kMuteCommand;
extern const Command kModeCommand;
extern const Command kMutateCommand;
extern const Command kNewCommand;
extern const Command kReloadCommand;
extern const Command kReportCommand;
extern const Command kRulesExportCommand;
extern const Command kRulesGraphCommand;
extern const Command kRulesListCommand;
extern const Command kRulesShowCommand;
extern const Command kSelftestCommand;
extern const Command kStatusCommand;
extern const Command kSupportCommand;
extern const Command kTestCommand;
extern const Command kTreeCommand;
extern const Command kUnmuteCommand;
extern const Command kWhyCommand;

}  // namespace detectd
