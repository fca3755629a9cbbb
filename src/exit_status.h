// Exit codes, the same everywhere (EXIT STATUS in detectd(8)).
#pragma once

#include <optional>
#include <vector>

#include "engine/result.h"

namespace detectd {

enum class ExitStatus {
  kDone = 0,
  kNo = 1,  // the question is answered no; --fail-on hit, and there was one
  kUsage = 2,
  kRules = 3,  // rules or configuration
  kInput = 4,
  kSystem = 5,
  kIncomplete = 6,
  kCutShort = 7,  // --timeout or --limit ended the run
  kInternal = 70,
  kInterrupted = 130,  // SIGINT
  kTerminated = 143,   // SIGTERM
};

// Of several, the one that the program ends with; kDone if there is none.
ExitStatus first_of(const std::vector<ExitStatus>& statuses);

ExitStatus exit_status_of(const Error& error);

}  // namespace detectd
