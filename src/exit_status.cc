#include "src/exit_status.h"

#include <algorithm>

namespace detectd {

ExitStatus first_of(const std::vector<ExitStatus>& statuses) {
  constexpr ExitStatus kPrecedence[] = {
      ExitStatus::kInterrupted, ExitStatus::kTerminated, ExitStatus::kInternal, ExitStatus::kSystem,
      ExitStatus::kUsage,       ExitStatus::kRules,      ExitStatus::kInput,    ExitStatus::kNo,
      ExitStatus::kCutShort,    ExitStatus::kIncomplete,
  };
  for (const ExitStatus status : kPrecedence) {
    if (std::find(statuses.begin(), statuses.end(), status) != statuses.end()) return status;
  }
  return ExitStatus::kDone;
}

ExitStatus exit_status_of(const Error& error) {
  switch (error.code) {
    case Errc::kUsage: return ExitStatus::kUsage;
    case Errc::kRules: return ExitStatus::kRules;
    case Errc::kInput: return ExitStatus::kInput;
    case Errc::kNotFound:
    case Errc::kPermission:
    case Errc::kSystem:
    case Errc::kFull: return ExitStatus::kSystem;
  }
  return ExitStatus::kInternal;
}

}  // namespace detectd
