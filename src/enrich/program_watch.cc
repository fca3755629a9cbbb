#include "src/enrich/program_watch.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace detectd {
namespace {

constexpr size_t kStatBytes = 4096;

// What the kernel gives beyond the arguments is the environment.
std::string_view compared(std::string_view cmdline, const ProcStat& stat) {
  const uint64_t size = stat.arg_end >= stat.arg_start ? stat.arg_end - stat.arg_start : 0;
  return cmdline.substr(0, static_cast<size_t>(std::min<uint64_t>(size, ProgramWatch::kComparedBytes)));
}

bool is_moved(const ProcStat& stat) { return stat.arg_start != 0 && stat.arg_start < stat.start_stack; }

}  // namespace

void ProgramWatch::note(uint32_t pid, const ExecImage& image, int64_t now_ns) {
  latest_.erase(pid);
  const auto stat = image.parsed_stat();
  // Who may not know the addresses can not tell a change from another program.
  if (!stat || stat->is_kernel_thread() || stat->start_stack == 0 || stat->arg_start == 0) return;
  const bool moved = is_moved(*stat);
  if (image.cmdline.empty() && !moved) return;
  if (waiting_.size() == kMaxWaiting) {
    const Waiting& oldest = waiting_.front();
    if (const auto latest = latest_.find(oldest.pid);
        latest != latest_.end() && latest->second == oldest.serial) {
      latest_.erase(latest);
      ++counters_.skipped;
    }
    waiting_.pop_front();
  }
  latest_[pid] = ++serial_;
  waiting_.push_back({.serial = serial_,
                      .due_ns = now_ns + kDelayNs,
                      .pid = pid,
                      .moved = moved,
                      .start_ticks = stat->start_ticks,
                      .start_stack = stat->start_stack,
                      .arg_start = stat->arg_start,
                      .hash = std::hash<std::string_view>()(compared(image.cmdline, *stat)),
                      .file = image.file});
}

void ProgramWatch::look(int64_t now_ns, const std::function<void(const ProgramChange&)>& tell) {
  while (!waiting_.empty() && waiting_.front().due_ns <= now_ns) {
    Waiting waiting = waiting_.front();
    waiting_.pop_front();
    const auto latest = latest_.find(waiting.pid);
    if (latest == latest_.end() || latest->second != waiting.serial) continue;
    look(waiting, tell);
  }
}

void ProgramWatch::look(Waiting waiting, const std::function<void(const ProgramChange&)>& tell) {
  ProcStat stat;
  const bool found = procfs_.select(waiting.pid) && read_again(waiting, stat);
  procfs_.release();
  if (found && stat.start_stack != waiting.start_stack && !waiting.again) {
    // Another program, of which is still to be heard; or the process moved its stack, too, to look like one.
    waiting.again = true;
    waiting.due_ns += kDelayNs;
    const auto place =
        std::upper_bound(waiting_.begin(), waiting_.end(), waiting.due_ns,
                         [](int64_t due_ns, const Waiting& other) { return due_ns < other.due_ns; });
    waiting_.insert(place, waiting);
    return;
  }
  latest_.erase(waiting.pid);
  if (!found) return;
  ++counters_.compared;
  if (waiting.file && file_ && !waiting.file->same_file(*file_)) {
    ++counters_.renamed;
    tell({.pid = waiting.pid,
          .what = ProgramChange::What::kExecutable,
          .now = link_.substr(0, ProgramChange::kShownBytes)});
  }
  compare_arguments(waiting, stat, tell);
}

void ProgramWatch::compare_arguments(const Waiting& waiting, const ProcStat& stat,
                                     const std::function<void(const ProgramChange&)>& tell) {
  ProgramChange change{.pid = waiting.pid, .now = {}};
  if (waiting.moved || stat.start_stack != waiting.start_stack || stat.arg_start != waiting.arg_start) {
    change.what = ProgramChange::What::kMovedArguments;
  }
  const std::string_view now = compared(cmdline_, stat);
  if (change.what == ProgramChange::What::kArguments && std::hash<std::string_view>()(now) == waiting.hash) {
    return;
  }
  ++counters_.changed;
  change.now = now.substr(0, std::min(now.find_last_not_of('\0') + 1, ProgramChange::kShownBytes));
  std::replace(change.now.begin(), change.now.end(), '\0', ' ');
  tell(change);
}

// False: the process is another, or has ended.
bool ProgramWatch::read_again(const Waiting& waiting, ProcStat& stat) {
  if (!procfs_.read(ProcFile::kCmdline, kComparedBytes, cmdline_)) return false;
  file_ = procfs_.executable();
  if (!file_ || !procfs_.read_link(ProcLink::kExecutable, link_)) link_.clear();
  if (!procfs_.read(ProcFile::kStat, kStatBytes, stat_)) return false;
  const auto parsed = parse_stat(stat_);
  // In its last moments a process has no memory any more.
  if (!parsed || parsed->start_ticks != waiting.start_ticks || parsed->start_stack == 0) return false;
  stat = *parsed;
  return true;
}

}  // namespace detectd
