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
constexpr size_t kMaxOtherFiles = 16'384;
constexpr size_t kMaxGroups = 16'384;
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
  records_->receive([this](std::string_view bytes) { keep(bytes); });
}

void ToldPrograms::keep(std::string_view bytes) {
  ExecRecord record;
  if (!read_record(bytes, record)) return;
  if (record.kind == kRecordArgs) return keep_part(record, bytes.substr(sizeof record));
  Told& told = programs_[{record.pid, record.monotonic_ns}];
  told.program.assign(bytes);
  bytes_ += bytes.size();
  // The least pid's: no order of time, and a bound all the same.
  while (bytes_ > kMaxBytes) erase(programs_.begin());
}

void ToldPrograms::keep_part(const ExecRecord& record, std::string_view args) {
  Told& told = programs_[{record.pid, record.monotonic_ns}];
  told.whole = told.whole && record.part == told.parts && args.size() == record.args_bytes;
  told.parts = record.part + 1;
  told.args.append(args);
  bytes_ += args.size();
}

std::map<ToldPrograms::Key, ToldPrograms::Told>::iterator ToldPrograms::erase(
    std::map<Key, Told>::iterator at) {
  bytes_ -= at->second.program.size() + at->second.args.size();
  return programs_.erase(at);
}

bool ToldPrograms::take(uint32_t pid, int64_t monotonic_ns, ExecImage& image) {
  unknown_file_.reset();
  const auto at_ns = static_cast<uint64_t>(monotonic_ns);
  auto at = programs_.lower_bound({pid, 0});
  const auto end = programs_.upper_bound({pid, at_ns});
  if (at == end) return false;
  while (std::next(at) != end) at = erase(at);
  const uint64_t told_ns = at->first.second;
  // Where a record is missing, this one may be of the exec before.
  if (const uint64_t dropped = records_->dropped(); dropped != dropped_) {
    dropped_ = dropped;
    dropped_ns_ = monotonic_ns;
  }
  const bool complete = dropped_ns_ == 0 || monotonic_ns - dropped_ns_ > kMaxWaitNs;
  const bool is_it = at_ns - told_ns < static_cast<uint64_t>(complete ? kMaxWaitNs : kNearNs);
  const bool filled = is_it && fill(at->second, image);
  erase(at);
  return filled;
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
  if (!fill_file(record, image)) return false;
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

bool ToldPrograms::fill_file(const ExecRecord& record, ExecImage& image) {
  FileIdentity file{.device_major = major_of(record.device),
                    .device_minor = minor_of(record.device),
                    .inode = record.inode,
                    .links = record.links,
                    .owner = record.owner,
                    .mode = record.mode};
  if ((record.flags & kRecordOtherDevice) != 0) {
    const auto known = other_files_.find({record.device, record.inode});
    if (known == other_files_.end()) {
      unknown_file_ = {
          .device = record.device,
          .inode = record.inode,
          .program = {.start_ticks = 0, .start_stack = record.start_stack, .arg_start = record.arg_start}};
      return false;
    }
    file.device_major = known->second.device_major;
    file.device_minor = known->second.device_minor;
    file.inode = known->second.inode;
  }
  image.file = file;
  return true;
}

void ToldPrograms::learn(const ExecImage& read) {
  const auto stat = unknown_file_ ? read.parsed_stat() : std::nullopt;
  if (!stat || !read.file) return;
  const ProgramIdentity& told = unknown_file_->program;
  if (stat->start_stack != told.start_stack || stat->arg_start != told.arg_start) return;
  if (other_files_.size() == kMaxOtherFiles) other_files_.clear();
  other_files_[{unknown_file_->device, unknown_file_->inode}] = *read.file;
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
// moved meanwhile, of which the kernel tells a moment later. So what was read is kept once another exec, some time later,
// has read the same.
void ToldPrograms::fill_groups(const ExecRecord& record, ToldProcess& process) {
  process.cgroup.clear();
  const auto known = groups_.find(record.control_groups);
  if (known != groups_.end() && known->second.sure) {
    process.cgroup = known->second.text;
    return;
  }
  if (!read_groups(record)) return;
  if (records_->moves() != record.moves) return;
  process.cgroup = groups_text_;
  if (record.control_groups == 0) return;
  if (known == groups_.end() && groups_.size() >= kMaxGroups) groups_.clear();
  Groups& groups = groups_[record.control_groups];
  if (groups.text != groups_text_) {
    groups = {.text = groups_text_, .first_ns = record.monotonic_ns, .sure = false};
  } else if (record.monotonic_ns - groups.first_ns >= kSureOfGroupsNs) {
    groups.sure = true;
    records_->know_groups(record.control_groups);
  }
}

void ToldPrograms::tidy(int64_t taken_ns) {
  for (auto at = programs_.begin(); at != programs_.end();) {
    const bool old = taken_ns - static_cast<int64_t>(at->first.second) > kMaxWaitNs;
    at = old ? erase(at) : std::next(at);
  }
}

}  // namespace detectd
