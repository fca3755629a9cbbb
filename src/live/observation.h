// What the receive thread passes on: an event of the kernel with what was read of its process at once, or a loss.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "src/enrich/exec_image.h"
#include "src/sources/proc_event.h"

namespace detectd {

// An interval in which events were lost or none could come.
struct Loss {
  enum class Reason : uint8_t {
    kOverrun,  // the kernel's queue was full
    kQueue,    // ours was
    kBlind,    // nothing came, not even what we caused
    kKilled,   // no daemon ran: the last one did not end in order
  };
  Reason reason = Reason::kOverrun;
  int64_t start_ns = 0;  // CLOCK_MONOTONIC
  int64_t end_ns = 0;
  std::optional<uint64_t> count;  // events; nothing where nobody knows
};

struct Observation {
  ProcEvent event;
  std::unique_ptr<const Loss> loss;  // instead of `event`
  std::unique_ptr<ExecImage> image;  // of an exec; null where there was no room for it
  int64_t lag_ns = 0;                // from the exec to the end of reading its command line
  bool superseded =
      false;  // a later program of this pid was there when the image was read, or might have been
};

// What an image takes while it waits: nearly all of it is the command line.
inline size_t held_bytes(const ExecImage& image) {
  return sizeof(ExecImage) + image.cmdline.size() + image.cmdline_tail.size() + image.executable.size() +
         image.working_directory.size() + image.told.root.size() + image.told.cgroup.size();
}

}  // namespace detectd
