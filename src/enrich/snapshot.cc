#include "src/enrich/snapshot.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "src/enrich/procfs_parse.h"

namespace detectd {

Snapshot::Snapshot(Procfs& procfs, ExecReader& reader, Enricher& enricher)
    : procfs_(procfs), reader_(reader), enricher_(enricher) {}

Status Snapshot::begin() {
  processes_.clear();
  next_ = 0;
  std::vector<uint32_t> pids;
  if (Status status = procfs_.list(pids); !status) return status;
  std::string text;
  for (const uint32_t pid : pids) {
    if (!procfs_.select(pid) || !procfs_.read(ProcFile::kStat, 4096, text)) continue;
    if (const auto stat = parse_stat(text)) processes_.push_back({stat->start_ticks, pid});
  }
  procfs_.release();
  partial_ =
      std::none_of(processes_.begin(), processes_.end(), [](const Listed& each) { return each.pid == 1; });
  // Nobody is older than a parent, a foster parent neither.
  std::sort(processes_.begin(), processes_.end(), [](const Listed& a, const Listed& b) {
    return std::tie(a.start_ticks, a.pid) < std::tie(b.start_ticks, b.pid);
  });
  return {};
}

bool Snapshot::next(Event& event) {
  while (next_ < processes_.size()) {
    const Listed listed = processes_[next_++];
    reader_.read(listed.pid, image_);
    const auto stat = parse_stat(image_.stat);
    if (!stat || stat->start_ticks != listed.start_ticks) continue;
    event.kind = EventKind::kAlreadyRunning;
    event.set_integer(process_field(Leaf::kPid), listed.pid);
    if (stat->parent_pid != 0) event.set_integer(parent_field(Leaf::kPid), stat->parent_pid);
    enricher_.fill(listed.pid, image_, false, event);
    return true;
  }
  return false;
}

}  // namespace detectd
