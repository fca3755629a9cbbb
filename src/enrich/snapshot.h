// All processes there are, as already_running events: at the start, and after the source has lost some.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/event.h"
#include "engine/result.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"

namespace detectd {

class Snapshot {
 public:
  // All are kept by reference.
  Snapshot(Procfs& procfs, ExecReader& reader, Enricher& enricher);

  // Lists the processes, kernel threads too, and puts parents before their children.
  Status begin();
  size_t size() const { return processes_.size(); }
  // Not all are in the list: that the first of them is not to be read says so.
  bool is_partial() const { return partial_; }
  // Fills `event`, which has its time, `detectd.boot_ns`, reason and source, with the next process: kind, pid,
  // parent's pid as the kernel has it now, and all that Enricher tells. Those that have ended since, or whose pid
  // another process has, are passed over. False: there is none left, and `event` is as it was.
  bool next(Event& event);

 private:
  struct Listed {
    uint64_t start_ticks = 0;
    uint32_t pid = 0;
  };

  Procfs& procfs_;
  ExecReader& reader_;
  Enricher& enricher_;
  std::vector<Listed> processes_;
  size_t next_ = 0;
  bool partial_ = false;
  ExecImage image_;
};

}  // namespace detectd
