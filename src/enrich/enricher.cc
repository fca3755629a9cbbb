#include "src/enrich/enricher.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <limits>

#include "engine/timestamp.h"
#include "src/enrich/cgroup_parse.h"
#include "src/enrich/file_identity.h"

namespace detectd {
namespace {

constexpr size_t kStatBytes = 4096;
constexpr size_t kStatusBytes = size_t{64} << 10;
constexpr size_t kCgroupBytes = size_t{32} << 10;
constexpr size_t kEnvironmentBytes = size_t{128} << 10;
// An event's time and a start come from clocks that are told differently; a start is cut to whole ticks.
constexpr int64_t kClockSlackNs = 10'000'000;

// The devices that the kernel's files in memory are on, which no path leads to.
std::vector<std::pair<uint32_t, uint32_t>> find_memory_devices() {
  std::vector<std::pair<uint32_t, uint32_t>> devices;
  for (const unsigned flags : {0u, static_cast<unsigned>(MFD_HUGETLB)}) {
    const Fd file(memfd_create("detectd", MFD_CLOEXEC | flags));
    if (!file) continue;
    if (const auto identity = identify_file(file.number(), "", FollowLink::kNo)) {
      devices.emplace_back(identity->device_major, identity->device_minor);
    }
  }
  return devices;
}

uint64_t find_host_mount_namespace() {
  // Where the first process is not for us to look at: the kernel's threads are where the system began.
  for (const char* const path : {"/proc/1/ns/mnt", "/proc/2/ns/mnt"}) {
    struct stat info {};
    if (stat(path, &info) == 0) return info.st_ino;
  }
  return 0;
}

std::optional<int64_t> ticks_to_ns(uint64_t ticks, int64_t ticks_per_second) {
  const int64_t tick_ns = kNanosPerSecond / ticks_per_second;
  // Half of what an int64 holds, so that a boot time can be added.
  if (ticks > static_cast<uint64_t>(std::numeric_limits<int64_t>::max() / 2 / tick_ns)) return std::nullopt;
  return static_cast<int64_t>(ticks) * tick_ns;
}

std::optional<int64_t> carried_boot_ns(const Event& event) {
  const FieldView boot = event.find_carried(field::kBootNs);
  if (boot.type != Type::kInteger) return std::nullopt;
  return boot.number;
}

// Whether what was read before and what was read now is of one process and one program.
bool same_program(const ProcStat& before, const ProcStat& now) {
  if (before.start_ticks != now.start_ticks) return false;
  // Without a memory (it has ended), or where addresses are not for us, its name has to do.
  if (now.start_stack == 0 && now.arg_start == 0) return before.thread_name == now.thread_name;
  return before.same_image(now);
}

}  // namespace

Enricher::Enricher(Procfs& procfs, Options options)
    : procfs_(procfs),
      options_(std::move(options)),
      users_(options_.users),
      groups_(options_.groups),
      hash_(options_.hash_bytes_per_second),
      memory_devices_(find_memory_devices()),
      host_mount_namespace_(find_host_mount_namespace()) {}

void Enricher::fill(uint32_t pid, const ExecImage& image, bool superseded, Event& event) {
  ++counters_.filled;
  unasked_.reset();
  out_.begin(event);
  const auto boot_ns = carried_boot_ns(event);
  clock_ns_ = boot_ns.value_or(event.time_ns);

  std::optional<ProcStat> stat = image.parsed_stat();
  bool is_own = !superseded;
  if (superseded) ++counters_.superseded;
  const auto start_ns = stat ? ticks_to_ns(stat->start_ticks, options_.ticks_per_second) : std::nullopt;
  if (start_ns && boot_ns && *start_ns - kClockSlackNs > *boot_ns) {
    ++counters_.stale;
    is_own = false;
    stat.reset();
  }

  if (stat) {
    fill_birth(*stat);
  } else {
    out_.missing({Leaf::kStart, Leaf::kGroupLeaderPid, Leaf::kSessionLeaderPid, Leaf::kInteractive});
  }
  if (!is_own) {
    fill_no_image();
  } else if (stat && stat->is_kernel_thread()) {
    out_.text(Leaf::kThreadName, stat->thread_name);
  } else {
    fill_executable(image);
    fill_args(image, stat ? &*stat : nullptr);
    if (stat) {
      out_.text(Leaf::kThreadName, stat->thread_name);
    } else {
      out_.missing({Leaf::kThreadName});
    }
    if (image.working_directory.empty()) {
      out_.missing({Leaf::kWorkingDirectory});
    } else {
      out_.text(Leaf::kWorkingDirectory, image.working_directory);
    }
  }
  if (is_own && stat && !may_hold(*stat, image)) {
    fill_unasked(*stat, image);
  } else if (!is_own || !stat || !fill_now(pid, *stat, image)) {
    fill_no_now();
  }
  out_.finish();
}

void Enricher::fill_check(uint32_t pid, const ExecImage& image, int file, Event& event) {
  ++counters_.filled;
  out_.begin(event);
  clock_ns_ = carried_boot_ns(event).value_or(event.time_ns);
  const std::optional<ProcStat> stat = parse_stat(image.stat);
  if (stat) {
    fill_birth(*stat);
  } else {
    out_.missing({Leaf::kStart, Leaf::kGroupLeaderPid, Leaf::kSessionLeaderPid, Leaf::kInteractive});
  }
  fill_executable(image);
  // Where they will be in its memory nobody knows yet.
  fill_args(image, nullptr);
  // The kernel gives it when the exec happens.
  out_.missing({Leaf::kThreadName});
  if (image.working_directory.empty()) {
    out_.missing({Leaf::kWorkingDirectory});
  } else {
    out_.text(Leaf::kWorkingDirectory, image.working_directory);
  }
  if (stat && !may_hold(*stat, image)) {
    fill_unasked(*stat, image);
  } else {
    coming_file_ = file;
    if (!stat || !fill_now(pid, *stat, image)) fill_no_now();
    coming_file_ = -1;
  }
  out_.finish();
}

void Enricher::fill_birth(const ProcStat& stat) {
  const Event& event = out_.event();
  const auto boot_ns = carried_boot_ns(event);
  const auto start_ns = ticks_to_ns(stat.start_ticks, options_.ticks_per_second);
  std::optional<int64_t> boot_time_ns = options_.boot_time_ns;
  if (!boot_time_ns && boot_ns && event.has_time) boot_time_ns = event.time_ns - *boot_ns;
  if (start_ns && boot_time_ns) {
    // As exact as ticks are.
    out_.text(Leaf::kStart, format_rfc3339(*boot_time_ns + *start_ns, 2));
  } else {
    out_.missing({Leaf::kStart});
  }
  // 0: unknown, or not of this pid namespace.
  if (stat.group_leader != 0) out_.integer(Leaf::kGroupLeaderPid, stat.group_leader);
  if (stat.session_leader != 0) out_.integer(Leaf::kSessionLeaderPid, stat.session_leader);
  out_.boolean(Leaf::kInteractive, stat.terminal != 0);
  if (stat.terminal != 0) {
    const DeviceNumber terminal = unpack_device(stat.terminal);
    out_.integer(Leaf::kTtyMajor, terminal.major);
    out_.integer(Leaf::kTtyMinor, terminal.minor);
  } else {
    out_.null(Leaf::kTtyMajor);
    out_.null(Leaf::kTtyMinor);
  }
}

bool Enricher::fill_now(uint32_t pid, const ProcStat& before, const ExecImage& image) {
  if (image.is_told) {
    take_told(image.told);
    read_untold(pid, before, image);
  } else {
    const bool found = procfs_.select(pid);
    const bool same = found && read_now(before, image);
    procfs_.release();
    if (!found) ++counters_.ended;
    if (!same) return false;
  }
  fill_ids();
  fill_groups();
  fill_effective_capabilities();
  fill_place();
  if (!before.is_kernel_thread()) {
    fill_streams();
    fill_environment();
  }
  if (now_.sha256) {
    out_.text(Leaf::kSha256, hex(*now_.sha256));
  } else if (options_.hash && !before.is_kernel_thread()) {
    out_.missing({Leaf::kSha256});
  }
  return true;
}

// The state comes last: it shows whether all before was of the program that began.
bool Enricher::read_now(const ProcStat& before, const ExecImage& image) {
  now_.has_status = procfs_.read(ProcFile::kStatus, kStatusBytes, now_.status_text);
  now_.has_cgroup = procfs_.read(ProcFile::kCgroup, kCgroupBytes, now_.cgroup);
  now_.login_uid.reset();
  if (procfs_.read(ProcFile::kLoginUid, 64, link_)) now_.login_uid = parse_login_uid(link_);
  const auto namespace_of = [&](ProcLink link) {
    return procfs_.read_link(link, link_) ? parse_namespace(link_) : std::nullopt;
  };
  now_.mount_namespace = namespace_of(ProcLink::kMountNamespace);
  now_.user_namespace = namespace_of(ProcLink::kUserNamespace);
  if (!procfs_.read_link(ProcLink::kRoot, now_.root)) now_.root.clear();
  now_.has_environment = false;
  now_.sha256.reset();
  if (!before.is_kernel_thread()) {
    for (unsigned i = 0; i < now_.streams.size(); ++i) {
      Stream& stream = now_.streams[i];
      stream.stream = procfs_.stream(i);
      stream.peer.reset();
      if (stream.stream && S_ISSOCK(stream.stream->mode)) {
        stream.peer = procfs_.socket_peer(i, stream.stream->inode);
      }
    }
    if (!options_.env.empty()) {
      now_.has_environment = procfs_.read(ProcFile::kEnviron, kEnvironmentBytes, now_.environment);
    }
    if (options_.hash && image.file) hash_executable(image);
  }
  const auto state = state_of(before);
  if (!state) return false;
  parse_status(now_.status_text, now_.status);
  if (*state == 'Z' || *state == 'X') forget_what_ended();
  return true;
}

// Behind all that was read. Nothing where it is another program by now, or none.
std::optional<char> Enricher::state_of(const ProcStat& before) {
  const bool read = procfs_.read(ProcFile::kStat, kStatBytes, now_.stat);
  const auto stat = read ? parse_stat(now_.stat) : std::nullopt;
  if (!stat) {
    ++counters_.ended;
    return std::nullopt;
  }
  if (!same_program(before, *stat)) {
    ++counters_.changed;
    return std::nullopt;
  }
  return stat->state;
}

// As it was at the exec.
void Enricher::take_told(const ToldProcess& told) {
  now_.status = told.status;
  now_.has_status = true;
  now_.login_uid = told.login_uid;
  now_.mount_namespace = told.mount_namespace;
  now_.user_namespace = told.user_namespace;
  now_.root = told.root;
  now_.cgroup = told.cgroup;
  now_.has_cgroup = !told.cgroup.empty();
  for (size_t i = 0; i < now_.streams.size(); ++i) {
    now_.streams[i] = {.stream = told.streams[i], .peer = told.peers[i]};
  }
  now_.has_environment = false;
  now_.sha256.reset();
}

// What the kernel does not tell, where somebody wants it.
void Enricher::read_untold(uint32_t pid, const ProcStat& before, const ExecImage& image) {
  const bool wants_groups = !image.told.status.has_groups;
  if (!wants_groups && !options_.hash && options_.env.empty()) return;
  const bool found = procfs_.select(pid);
  if (found) {
    if (!wants_groups || !procfs_.read(ProcFile::kStatus, kStatusBytes, now_.status_text))
      now_.status_text.clear();
    if (!options_.env.empty()) {
      now_.has_environment = procfs_.read(ProcFile::kEnviron, kEnvironmentBytes, now_.environment);
    }
    if (options_.hash && image.file) hash_executable(image);
  } else {
    ++counters_.ended;
  }
  const bool same = found && state_of(before);
  procfs_.release();
  if (!same) {
    now_.has_environment = false;
    now_.sha256.reset();
  } else if (wants_groups) {
    ProcStatus later;
    parse_status(now_.status_text, later);
    now_.status.has_groups = later.has_groups;
    now_.status.groups = std::move(later.groups);
  }
}

// Of a process that has ended the kernel shows no descriptor, and a control group of version 1 as the root.
void Enricher::forget_what_ended() {
  for (Stream& stream : now_.streams) stream = {};
  if (parse_cgroup(now_.cgroup).path == "/") now_.has_cgroup = false;
}

void Enricher::hash_executable(const ExecImage& image) {
  const Fd file = coming_file_ < 0 ? procfs_.hold_executable() : Fd(fcntl(coming_file_, F_DUPFD_CLOEXEC, 0));
  if (!file) return;
  const auto identity = identify_file(file.number(), "", FollowLink::kNo);
  if (identity && identity->same_file(*image.file)) now_.sha256 = hash_.of(file, clock_ns_);
}

Enricher::Counters Enricher::counters() const {
  Counters counters = counters_;
  counters.hash = hash_.counters();
  return counters;
}

}  // namespace detectd
