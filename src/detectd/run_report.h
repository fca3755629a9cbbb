// What is told of a run: its hits as they come, and at its end how it ended, how complete it was, what it took.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "src/detectd/options.h"
#include "src/exit_status.h"
#include "src/pipeline.h"
#include "src/report/output.h"
#include "src/report/report.h"

namespace detectd {

std::unique_ptr<Report> make_report(const Options& options, const RuleSet& rules, Output& output,
                                    std::function<const std::string&(uint32_t file)> name_of_file);

// "2 gaps, 1 line skipped"; empty for a complete run.
std::string incompleteness(const Summary& summary);
// `what`: what was incomplete, "the capture".
void tell_notes(const Options& options, const Summary& summary, const Engine::Counters& counters,
                std::string_view what);
// What it means for the exit status.
std::vector<ExitStatus> tell_ending(const Options& options, Ending ending, const std::optional<Error>& error);

void tell_statistics(const RunStatistics& run, const Summary& summary, const SourceReport& read,
                     const Engine::Counters& counters);
void tell_profile(const RunStatistics& run, const RuleSet& rules);

}  // namespace detectd
