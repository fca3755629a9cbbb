// This host's processes as the daemon sees them: read at once, then enriched; and that it sees them no otherwise where
// the kernel tells of their programs.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "engine/event.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "tests/support/event_dump.h"
#include "tests/support/events.h"
#include "tests/support/told_host.h"

namespace detectd::test {

class HostView {
 public:
  // Boot is at the beginning of time.
  explicit HostView(const Enricher::Options& options = {}, size_t max_argv_bytes = ExecReader::kMaxArgvBytes)
      : root_(open_own_procfs()),
        procfs_((*root_).root.number()),
        reader_((*root_).root.number(), max_argv_bytes),
        enricher_(procfs_, with_boot(options)),
        told_enricher_(procfs_, with_boot(options)),
        told_({.max_argv_bytes = max_argv_bytes,
               .read_groups =
                   [this](uint32_t pid, uint64_t start_ticks, std::string& text) {
                     return reader_.read_control_groups(pid, start_ticks, text);
                   },
               .runs = [this](uint32_t pid,
                              const ProgramIdentity& program) { return reader_.runs(pid, program); },
               .read_file =
                   [this](uint32_t pid, const ProgramIdentity& program) {
                     return reader_.read_file(pid, program);
                   }}) {}

  ExecImage image_of(uint32_t pid) {
    ExecImage image;
    reader_.read(pid, image);
    return image;
  }
  Event look_at(uint32_t pid) {
    reader_.read(pid, image_);
    Event event = test::event(EventKind::kExec, pid);
    enricher_.fill(pid, image_, false, event);
    compare_with_told(pid, event);
    return event;
  }
  // What is looked at next is not what was there at the exec.
  void expect_changes() { changes_ = true; }
  uint64_t compared() const { return compared_; }

  bool is_private() { return root_->is_private; }
  Enricher& enricher() { return enricher_; }
  ExecReader& reader() { return reader_; }
  RealProcfs& procfs() { return procfs_; }

 private:
  static Enricher::Options with_boot(Enricher::Options options) {
    options.boot_time_ns = 0;
    return options;
  }

  void compare_with_told(uint32_t pid, const Event& seen) {
    if (!told_.take(pid, told_image_) || changes_) return;
    Event event = test::event(EventKind::kExec, pid);
    told_enricher_.fill(pid, told_image_, false, event);
    CHECK(dump(event, Schema()) == dump(seen, Schema()));
    ++compared_;
  }

  Result<OwnProcfs> root_;
  RealProcfs procfs_;
  ExecReader reader_;
  Enricher enricher_;
  Enricher told_enricher_;
  ToldHost told_;
  ExecImage image_;
  ExecImage told_image_;
  bool changes_ = false;
  uint64_t compared_ = 0;
};

// Whether detectd.missing names the field.
inline bool misses(const Event& event, std::string_view name) {
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    if (event.find_carried(field::kMissing, i).text == name) return true;
  }
  return false;
}

}  // namespace detectd::test
