#include "src/live/told_programs.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "engine/timestamp.h"

namespace detectd {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
// A record is made that much before the connector's event of the same exec, and not more; a process takes longer from
// one exec to the next.
constexpr int64_t kNearNs = 100'000;
constexpr size_t kMaxGroups = 4096;
constexpr size_t kMaxGroupsText = 4096;
constexpr size_t kMaxUntold = 4096;
constexpr uint64_t kSureOfGroupsNs = 100'000'000;
constexpr uint64_t kMaxHead = uint64_t{kRecordHeadParts} * kRecordArgBytes;

bool read_record(std::string_view bytes, ExecRecord& record) {
  if (bytes.size() < sizeof record) return false;
  std::memcpy(&record, bytes.data(), sizeof record);
  return true;
}

uint32_t major_of(uint32_t device) { return device >> 20; }
uint32_t minor_of(uint32_t device) { return device & 0xfffffu; }

// Names stand from the last to the first.
void join_path(std::string_view names, ExecPath path, std::string& text) {
  text.clear();
  while (!names.empty()) {
    names.remove_suffix(1);
    const size_t before = names.rfind('\0');
    const size_t begin = before == std::string_view::npos ? 0 : before + 1;
    text += '/';
    text += names.substr(begin);
    names = names.substr(0, begin);
  }
  if (text.empty()) text = "/";
  if ((path.flags & (kPathRemoved | kPathNameless)) != 0) text += kDeleted;
}

std::string_view take_front(std::string_view& bytes, size_t size) {
  const std::string_view front = bytes.substr(0, size);
  bytes.remove_prefix(front.size());
  return front;
}

}  // namespace

ToldPrograms::ToldPrograms(std::unique_ptr<ExecRecords> records, Options options)
    : records_(std::move(records)), options_(std::move(options)), dropped_(records_->dropped()) {}

void ToldPrograms::collect() {
  const uint64_t dropped_now = dropped();
  records_->receive([this](std::string_view bytes) { keep(bytes); });
  dropped_ = dropped_now;
}

void ToldPrograms::keep(std::string_view bytes) {
  ExecRecord record;
  if (!read_record(bytes, record)) return;
  if (const auto untold = untold_.find(record.pid);
      untold != untold_.end() && record.monotonic_ns <= untold->second) {
    return;
  }
  if (!has_room(bytes.size(), record.monotonic_ns)) {
    ++dropped_here_;
    return;
  }
  newest_ns_ = std::max(newest_ns_, static_cast<int64_t>(record.monotonic_ns));
  if (record.kind == kRecordArgs) return keep_part(record, bytes.substr(sizeof record));
  Told& told = programs_[{record.pid, record.monotonic_ns}];
  bytes_ -= told.program.size();
  told.program.assign(bytes);
  told.dropped = dropped_;
  bytes_ += bytes.size();
}

void ToldPrograms::keep_part(const ExecRecord& record, std::string_view args) {
  Told& told = programs_[{record.pid, record.monotonic_ns}];
  told.whole = told.whole && record.part == told.parts && args.size() == record.args_bytes;
  told.parts = record.part + 1;
  told.args.append(args);
  bytes_ += args.size();
}

bool ToldPrograms::has_room(size_t bytes, uint64_t now_ns) {
  if (bytes_ + bytes <= kMaxBytes) return true;
  for (auto at = programs_.begin(); at != programs_.end();) {
    const bool is_old = at->first.second + static_cast<uint64_t>(kLongNs) < now_ns;
    at = is_old ? erase(at) : std::next(at);
  }
  return bytes_ + bytes <= kMaxBytes;
}

std::map<ToldPrograms::Key, ToldPrograms::Told>::iterator ToldPrograms::erase(
    std::map<Key, Told>::iterator at) {
  bytes_ -= at->second.program.size() + at->second.args.size();
  return programs_.erase(at);
}

bool ToldPrograms::take(uint32_t pid, int64_t monotonic_ns, ExecImage& image) {
  const auto at_ns = static_cast<uint64_t>(monotonic_ns);
  untold_.erase(pid);
  auto at = programs_.lower_bound({pid, 0});
  const auto end = programs_.upper_bound({pid, at_ns});
  if (at == end) {
    if (untold_.size() == kMaxUntold) untold_.clear();
    untold_[pid] = at_ns;
    return false;
  }
  while (std::next(at) != end) at = erase(at);
  const bool filled = is_of(at->first.second, at_ns, at->second) && fill(at->second, image);
  erase(at);
  return filled;
}

// The last one that was told before the event; unless a record was dropped, which may have been the event's. Time says
// nothing: a debugger may hold the process between both.
bool ToldPrograms::is_of(uint64_t told_ns, uint64_t at_ns, const Told& told) const {
  if (told.dropped == dropped() || at_ns - told_ns < kNearNs) return true;
  ExecRecord record;
  return options_.runs && read_record(told.program, record) && options_.runs(record.pid, program_of(record));
}

void ToldPrograms::forget(uint32_t pid, int64_t monotonic_ns) {
  untold_.erase(pid);
  const auto end = programs_.upper_bound({pid, static_cast<uint64_t>(monotonic_ns)});
  for (auto at = programs_.lower_bound({pid, 0}); at != end;) at = erase(at);
}

bool ToldPrograms::fill(const Told& told, ExecImage& image) {
  ExecRecord record;
  if (!read_record(told.program, record) || record.part > 1) return false;
  if ((record.flags & (kRecordNoArgs | kRecordNoPath)) != 0 || (record.part != 0 && !told.whole))
    return false;
  std::string_view rest = std::string_view(told.program).substr(sizeof record);
  const std::string_view executable = take_front(rest, record.executable.bytes);
  const std::string_view directory = take_front(rest, record.directory.bytes);
  const std::string_view root = take_front(rest, record.root.bytes);
  image.clear();
  if (!fill_args(record, record.part != 0 ? std::string_view(told.args) : rest, image)) return false;
  fill_file(record, image);
  join_path(executable, record.executable, image.executable);
  if ((record.flags & kRecordNoDirectory) == 0)
    join_path(directory, record.directory, image.working_directory);
  image.capabilities = record.capabilities;
  image.is_told = true;
  image.told.root.clear();
  if ((record.flags & kRecordNoRoot) == 0) join_path(root, record.root, image.told.root);
  fill_process(record, image.told);
  fill_groups(record, image.told);
  return true;
}

// `all` are the arguments; where there are more than kMaxHead and one more part, their head and their tail.
bool ToldPrograms::fill_args(const ExecRecord& record, std::string_view all, ExecImage& image) const {
  const uint64_t size = record.arg_end - record.arg_start;
  const uint64_t head = options_.max_argv_bytes;
  const uint64_t tail = head / 8;
  const bool has_all = size <= kMaxHead + kRecordArgBytes;
  if (all.size() != (has_all ? size : kMaxHead + kRecordArgBytes)) return false;
  if (!has_all && (head > kMaxHead || tail > kRecordArgBytes)) return false;
  image.cmdline.assign(all.substr(0, head));
  if (size <= head) return true;
  image.cmdline_truncated = size > head + tail;
  image.cmdline_tail.assign(image.cmdline_truncated ? all.substr(all.size() - tail) : all.substr(head));
  return true;
}

void ToldPrograms::fill_file(const ExecRecord& record, ExecImage& image) const {
  if ((record.flags & kRecordOtherDevice) != 0) {
    if (options_.read_file) image.file = options_.read_file(record.pid, program_of(record));
    return;
  }
  image.file = FileIdentity{.device_major = major_of(record.device),
                            .device_minor = minor_of(record.device),
                            .inode = record.inode,
                            .links = record.links,
                            .owner = record.owner,
                            .mode = record.mode};
}

ProgramIdentity ToldPrograms::program_of(const ExecRecord& record) const {
  return {.start_ticks = ticks(record.start_ns),
          .start_stack = record.start_stack,
          .arg_start = record.arg_start};
}

uint64_t ToldPrograms::ticks(uint64_t boot_ns) const {
  return boot_ns / static_cast<uint64_t>(kNanosPerSecond / options_.ticks_per_second);
}

void ToldPrograms::fill_process(const ExecRecord& record, ToldProcess& process) const {
  process.thread_name.assign(record.name, strnlen(record.name, sizeof record.name));
  process.stat = {.thread_name = {},
                  .state = 'R',
                  .parent_pid = 0,
                  .group_leader = record.group_leader,
                  .session_leader = record.session_leader,
                  .terminal = record.terminal,
                  .flags = record.task_flags,
                  .start_ticks = ticks(record.start_ns),
                  .start_stack = record.start_stack,
                  .arg_start = record.arg_start,
                  .arg_end = record.arg_end};
  ProcStatus& status = process.status;
  status.user = {.real = record.user[0], .effective = record.user[1], .saved = record.user[2]};
  status.group = {.real = record.group[0], .effective = record.group[1], .saved = record.group[2]};
  status.has_groups = record.group_count <= kRecordMaxGroups;
  status.groups.assign(record.groups, record.groups + (status.has_groups ? record.group_count : 0));
  status.effective_capabilities = record.capabilities;
  status.innermost_pid = record.innermost_pid;
  process.login_uid.reset();
  if ((record.flags & kRecordNoLoginUid) == 0) process.login_uid = record.login_uid;
  process.mount_namespace = record.mount_namespace;
  process.file_mount_namespace = record.file_mount_namespace;
  process.user_namespace = record.user_namespace;
  for (size_t i = 0; i < process.streams.size(); ++i) {
    const ExecStream& stream = record.streams[i];
    process.streams[i].reset();
    process.peers[i].reset();
    if ((record.flags & kRecordNoStreams) != 0) continue;
    process.streams[i] = {.open = stream.open != 0,
                          .mode = stream.mode,
                          .device_major = major_of(stream.device),
                          .device_minor = minor_of(stream.device),
                          .inode = stream.inode};
    if (stream.open == 0 || stream.family == 0) continue;
    const size_t size = stream.family == AF_INET ? 4 : sizeof stream.address;
    process.peers[i] =
        make_peer(stream.family, {reinterpret_cast<const char*>(stream.address), size}, ntohs(stream.port));
  }
}

// Of the process or, where it has ended, of one that was in the same.
bool ToldPrograms::read_groups(const ExecRecord& record) {
  if (!options_.read_groups) return false;
  return options_.read_groups(record.pid, ticks(record.start_ns), groups_text_) ||
         (record.neighbour != 0 &&
          options_.read_groups(record.neighbour, ticks(record.neighbour_start_ns), groups_text_));
}

// The kernel tells which control groups it is in by number; their paths are read of a process that is in them. It may be
// moved meanwhile, of which the kernel tells a moment later: then it is told where it is now, as it is without eBPF. What
// was read is kept for others once another exec, some time later, has read the same.
void ToldPrograms::fill_groups(const ExecRecord& record, ToldProcess& process) {
  process.cgroup.clear();
  const auto known = groups_.find(record.control_groups);
  if (known != groups_.end() && known->second.sure) {
    process.cgroup = known->second.text;
    if ((record.flags & kRecordNewGroups) != 0) records_->know_groups(record.control_groups);
    return;
  }
  if (!read_groups(record)) return;
  process.cgroup = groups_text_;
  if (records_->moves() != record.moves || record.control_groups == 0 || groups_text_.size() > kMaxGroupsText)
    return;
  if (known == groups_.end() && groups_.size() == kMaxGroups) drop_oldest_groups();
  Groups& groups = groups_[record.control_groups];
  if (groups.text != groups_text_) {
    groups = {.text = groups_text_, .first_ns = record.monotonic_ns, .sure = false};
  } else if (record.monotonic_ns - groups.first_ns >= kSureOfGroupsNs) {
    groups.sure = true;
    records_->know_groups(record.control_groups);
  }
}

void ToldPrograms::drop_oldest_groups() {
  const auto oldest =
      std::ranges::min_element(groups_, {}, [](const auto& groups) { return groups.second.first_ns; });
  records_->forget_groups(oldest->first);
  groups_.erase(oldest);
}

}  // namespace detectd
