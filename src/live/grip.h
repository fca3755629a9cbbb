// A hold on a process, taken when it was heard of: a pidfd means this process for ever, whoever gets its pid later.
#pragma once

#include <cstdint>
#include <optional>

#include "src/enrich/exec_image.h"
#include "src/fd.h"

namespace detectd {

struct Grip {
  uint32_t pid = 0;
  int64_t monotonic_ns = 0;  // of the event
  bool exec = false;         // else another event of the process
  // The process of the event may have ended before the hold was taken, so that it may hold the next one of that pid.
  bool doubtful = false;
  bool refused = false;  // no descriptor was to be had, or too many are held
  Fd process;            // none: refused, or there was no process any more
  // Of an exec: what was read behind `process`, and so of the process that it holds, if that still lives.
  std::optional<ProgramIdentity> program;
  std::optional<FileIdentity> file;
};

// What a hold is taken for.
enum class GripOn : uint8_t { kNothing, kExecs, kAll };

}  // namespace detectd
