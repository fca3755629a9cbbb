// This host's processes as the daemon sees them: read at once, then enriched.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "engine/event.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "tests/support/events.h"

namespace detectd::test {

class HostView {
 public:
  // Boot is at the beginning of time.
  explicit HostView(Enricher::Options options = {}, size_t max_argv_bytes = ExecReader::kMaxArgvBytes)
      : root_(open_own_procfs()),
        procfs_((*root_).root.number()),
        reader_((*root_).root.number(), max_argv_bytes),
        enricher_(procfs_, with_boot(std::move(options))) {}

  ExecImage image_of(uint32_t pid) {
    ExecImage image;
    reader_.read(pid, image);
    return image;
  }
  Event look_at(uint32_t pid) {
    reader_.read(pid, image_);
    Event event = test::event(EventKind::kExec, pid);
    enricher_.fill(pid, image_, false, event);
    return event;
  }

  bool is_private() { return root_->is_private; }
  Enricher& enricher() { return enricher_; }
  ExecReader& reader() { return reader_; }
  RealProcfs& procfs() { return procfs_; }

 private:
  static Enricher::Options with_boot(Enricher::Options options) {
    options.boot_time_ns = 0;
    return options;
  }

  Result<OwnProcfs> root_;
  RealProcfs procfs_;
  ExecReader reader_;
  Enricher enricher_;
  ExecImage image_;
};

// Whether detectd.missing names the field.
inline bool misses(const Event& event, std::string_view name) {
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    if (event.find_carried(field::kMissing, i).text == name) return true;
  }
  return false;
}

}  // namespace detectd::test
