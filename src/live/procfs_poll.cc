#include "src/live/procfs_poll.h"

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>

namespace detectd {
namespace {

// Of /proc/PID/stat, on every architecture.
constexpr int64_t kTickNs = 10'000'000;
constexpr size_t kStatBytes = 4096;
constexpr size_t kStatusBytes = size_t{64} << 10;
constexpr int kReadsOfProgram = 4;

bool same_ids(const ProcIds& a, const ProcIds& b) {
  return a.real == b.real && a.effective == b.effective && a.saved == b.saved;
}

bool changed(const std::optional<ProcIds>& before, const std::optional<ProcIds>& now) {
  return before && now && !same_ids(*before, *now);
}

uint64_t hash_of(const ExecImage& image) {
  const std::hash<std::string_view> hash;
  return hash(image.cmdline) * 31 + hash(image.executable);
}

}  // namespace

void ProcfsPoll::Seen::take(const ProcStat& stat) {
  parent_pid = stat.parent_pid;
  start_ticks = stat.start_ticks;
  start_stack = stat.start_stack;
  arg_start = stat.arg_start;
  kernel_thread = stat.is_kernel_thread();
  name = {};
  std::copy_n(stat.thread_name.begin(), std::min(stat.thread_name.size(), name.size()), name.begin());
}

Status ProcfsPoll::look(const Moment& now, const Tell& tell) {
  if (Status status = list(); !status) return status;
  ++counters_.looks;
  counters_.processes = now_.size();
  tell_ends(now, tell);
  by_age_.clear();
  for (Seen& seen : now_) by_age_.push_back(&seen);
  // Nobody is older than a parent.
  std::sort(by_age_.begin(), by_age_.end(), [](const Seen* a, const Seen* b) {
    return std::tie(a->start_ticks, a->pid) < std::tie(b->start_ticks, b->pid);
  });
  for (Seen* const seen : by_age_) {
    const Seen* const before = find_before(seen->pid);
    if (before == nullptr || before->start_ticks != seen->start_ticks) {
      tell_new(*seen, now, tell);
    } else {
      tell_changes(*before, *seen, now, tell);
    }
  }
  std::erase_if(now_, [](const Seen& seen) { return seen.untold; });
  before_.swap(now_);
  first_ = false;
  return {};
}

Status ProcfsPoll::list() {
  now_.clear();
  if (Status status = procfs_.list(pids_); !status) return status;
  std::sort(pids_.begin(), pids_.end());
  for (const uint32_t pid : pids_) {
    if (!procfs_.select(pid) || !procfs_.read(ProcFile::kStat, kStatBytes, text_)) continue;
    const auto stat = parse_stat(text_);
    if (!stat) continue;
    Seen seen;
    seen.pid = pid;
    seen.take(*stat);
    if (procfs_.read(ProcFile::kStatus, kStatusBytes, text_)) {
      parse_status(text_, status_);
      seen.user = status_.user;
      seen.group = status_.group;
    }
    now_.push_back(seen);
  }
  procfs_.release();
  return {};
}

const ProcfsPoll::Seen* ProcfsPoll::find_before(uint32_t pid) const {
  const auto found = std::lower_bound(before_.begin(), before_.end(), pid,
                                      [](const Seen& seen, uint32_t value) { return seen.pid < value; });
  return found != before_.end() && found->pid == pid ? &*found : nullptr;
}

void ProcfsPoll::tell_ends(const Moment& now, const Tell& tell) {
  auto place = now_.begin();
  for (const Seen& before : before_) {
    while (place != now_.end() && place->pid < before.pid) ++place;
    if (place != now_.end() && place->pid == before.pid && place->start_ticks == before.start_ticks) continue;
    begin(EventKind::kEnd, before.pid, now);
    event_.begin_list(field::kMissing);
    for (const FieldId id : {process_field(Leaf::kExitCode), field::kExitSignal}) {
      event_.append_text(field::kMissing, table_info(id).name);
    }
    tell(event_);
  }
}

void ProcfsPoll::tell_new(Seen& seen, const Moment& now, const Tell& tell) {
  // One that began meanwhile is for the next look, whose time is not before its birth.
  const bool later = now.boot_ns && seen.start_ticks > static_cast<uint64_t>(*now.boot_ns / kTickNs);
  seen.untold = later || !read_image(seen);
  if (seen.untold) return;
  if (first_) {
    tell_image(EventKind::kAlreadyRunning, seen, now, tell);
  } else if (seen.kernel_thread || runs_program_of_parent(seen)) {
    begin(EventKind::kFork, seen.pid, now);
    if (seen.parent_pid != 0) event_.set_integer(parent_field(Leaf::kPid), seen.parent_pid);
    tell(event_);
  } else {
    tell_image(EventKind::kExec, seen, now, tell);
  }
}

void ProcfsPoll::tell_changes(const Seen& before, Seen& seen, const Moment& now, const Tell& tell) {
  seen.image_hash = before.image_hash;
  // Of processes of others addresses may not be told; a name alone, or a command line alone, a process sets itself.
  const bool moved = before.told() && seen.told() && !before.same_addresses(seen);
  const bool maybe = moved || before.name != seen.name;
  if (maybe && read_image(seen) && (moved || seen.image_hash != before.image_hash)) {
    return tell_image(EventKind::kExec, seen, now, tell);
  }
  tell_ids(before, seen, now, tell);
}

void ProcfsPoll::tell_ids(const Seen& before, const Seen& seen, const Moment& now, const Tell& tell) {
  const auto tell_change = [&](EventKind kind, const ProcIds& ids, Leaf effective, Leaf real, Leaf saved) {
    begin(kind, seen.pid, now);
    event_.set_integer(process_field(effective), ids.effective);
    event_.set_integer(process_field(real), ids.real);
    event_.set_integer(process_field(saved), ids.saved);
    enricher_.name_ids(event_);
    tell(event_);
  };
  if (changed(before.user, seen.user)) {
    tell_change(EventKind::kUidChange, *seen.user, Leaf::kUserId, Leaf::kRealUserId, Leaf::kSavedUserId);
  }
  if (changed(before.group, seen.group)) {
    tell_change(EventKind::kGidChange, *seen.group, Leaf::kGroupId, Leaf::kRealGroupId, Leaf::kSavedGroupId);
  }
}

// With what read_image() has read.
void ProcfsPoll::tell_image(EventKind kind, Seen& seen, const Moment& now, const Tell& tell) {
  begin(kind, seen.pid, now);
  if (kind == EventKind::kAlreadyRunning) event_.set_text(field::kReason, "start");
  if (seen.parent_pid != 0) event_.set_integer(parent_field(Leaf::kPid), seen.parent_pid);
  enricher_.fill(seen.pid, image_, !seen.settled, event_);
  tell(event_);
}

// Of this process, as it is by now; false: it has gone. Until two readings agree: an exec between the files of one
// would join the arguments of a program to the file of the next, and the next look would see nothing new.
bool ProcfsPoll::read_image(Seen& seen) {
  const uint64_t start_ticks = seen.start_ticks;
  for (int reads = 0; reads < kReadsOfProgram; ++reads) {
    const Seen last = seen;
    image_.clear();
    read_image_(seen.pid, image_);
    const auto stat = parse_stat(image_.stat);
    if (!stat || stat->start_ticks != start_ticks) return false;
    seen.take(*stat);
    seen.image_hash = hash_of(image_);
    seen.settled = reads > 0 && seen.same_program(last);
    if (seen.settled) break;
  }
  return true;
}

// A fork copies the addresses, an exec makes new ones.
bool ProcfsPoll::runs_program_of_parent(const Seen& seen) const {
  const auto parent = std::lower_bound(now_.begin(), now_.end(), seen.parent_pid,
                                       [](const Seen& other, uint32_t value) { return other.pid < value; });
  return parent != now_.end() && parent->pid == seen.parent_pid && seen.told() &&
         seen.same_addresses(*parent);
}

void ProcfsPoll::begin(EventKind kind, uint32_t pid, const Moment& now) {
  event_.clear();
  event_.kind = kind;
  event_.has_time = true;
  event_.time_ns = now.time_ns;
  event_.host = now.host;
  if (now.boot_ns) event_.set_integer(field::kBootNs, *now.boot_ns);
  event_.set_text(field::kSource, "procfs");
  event_.set_integer(process_field(Leaf::kPid), pid);
}

}  // namespace detectd
