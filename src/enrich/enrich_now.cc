// The part of Enricher that tells what was read after the program: ids, place, streams.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <vector>

#include "src/enrich/cgroup_parse.h"
#include "src/enrich/enricher.h"

namespace detectd {
namespace {

struct StreamLeaves {
  Leaf type;
  Leaf ip;
  Leaf port;
};
constexpr std::array kStreams = {
    StreamLeaves{Leaf::kStdinType, Leaf::kStdinIp, Leaf::kStdinPort},
    StreamLeaves{Leaf::kStdoutType, Leaf::kStdoutIp, Leaf::kStdoutPort},
    StreamLeaves{Leaf::kStderrType, Leaf::kStderrIp, Leaf::kStderrPort},
};

// Major numbers of Linux's terminals: consoles and serial lines, /dev/tty, pseudo terminals, ttyUSB, ...
bool is_terminal(uint32_t major) {
  return major == 4 || major == 5 || (major >= 136 && major <= 143) || major == 166 || major == 188 ||
         major == 204 || major == 229;
}

// The kernel's own number of it, the same on every host.
constexpr uint64_t kInitialUserNamespace = 0xEFFFFFFD;

// Takes off the list of what is missing all that was read now.
void forget_missing(Event& event) {
  std::vector<std::string> left;
  for (size_t i = 0; i < event.count(field::kMissing); ++i) {
    const std::string_view name = event.find_carried(field::kMissing, i).text;
    const auto id = find_table_field(name);
    const bool was_read = id && is_late(*id) && *id != process_field(Leaf::kCapabilities);
    if (!was_read) left.emplace_back(name);
  }
  if (left.empty()) return event.unset(field::kMissing);
  event.begin_list(field::kMissing);
  for (const std::string& name : left) event.append_text(field::kMissing, name);
}

std::string_view type_of(const ProcStream& stream) {
  if (!stream.open) return "none";
  if (S_ISFIFO(stream.mode)) return "pipe";
  if (S_ISSOCK(stream.mode)) return "socket";
  if (S_ISCHR(stream.mode)) {
    if (stream.device_major == 1 && stream.device_minor == 3) return "null";
    if (is_terminal(stream.device_major)) return "tty";
  }
  return "file";
}

}  // namespace

void Enricher::fill_no_now() {
  out_.missing({Leaf::kVpid, Leaf::kUserId, Leaf::kUserName, Leaf::kRealUserId, Leaf::kSavedUserId,
                Leaf::kGroupId, Leaf::kGroupName, Leaf::kRealGroupId, Leaf::kSavedGroupId,
                Leaf::kSupplementalGroups, Leaf::kUnit, Leaf::kCgroup, Leaf::kRoot, Leaf::kMountNamespace,
                Leaf::kUserNamespace, Leaf::kStdinType, Leaf::kStdoutType, Leaf::kStderrType});
  for (const FieldId id : {field::kContainerId, field::kContainerRuntime, field::kUserAuditId}) {
    out_.missing(id);
  }
  if (!out_.event().carries(process_field(Leaf::kCapabilities))) out_.missing({Leaf::kCapabilities});
  if (options_.hash) out_.missing({Leaf::kSha256});
  if (!options_.env.empty()) out_.missing({Leaf::kEnvVars});
}

void Enricher::fill_ids() {
  const ProcStatus& status = now_.status;
  if (now_.has_status && status.user) {
    out_.integer(Leaf::kUserId, status.user->effective);
    out_.integer(Leaf::kRealUserId, status.user->real);
    out_.integer(Leaf::kSavedUserId, status.user->saved);
  } else {
    out_.missing({Leaf::kUserId, Leaf::kRealUserId, Leaf::kSavedUserId, Leaf::kUserName});
  }
  if (now_.has_status && status.group) {
    out_.integer(Leaf::kGroupId, status.group->effective);
    out_.integer(Leaf::kRealGroupId, status.group->real);
    out_.integer(Leaf::kSavedGroupId, status.group->saved);
  } else {
    out_.missing({Leaf::kGroupId, Leaf::kRealGroupId, Leaf::kSavedGroupId, Leaf::kGroupName});
  }
  users_.refresh(clock_ns_);
  groups_.refresh(clock_ns_);
  name_id(Leaf::kUserId, Leaf::kUserName, users_);
  name_id(Leaf::kGroupId, Leaf::kGroupName, groups_);
}

void Enricher::name_id(Leaf id, Leaf name, IdNames& names) {
  const FieldView number = out_.event().find_carried(process_field(id));
  if (number.type != Type::kInteger) return;
  if (!names.readable()) return out_.missing({name});
  const std::string* const found = names.find(static_cast<uint32_t>(number.number));
  out_.text_or_null(name, found == nullptr ? std::string_view() : *found);
}

void Enricher::name_ids(Event& event) {
  out_.begin(event);
  const FieldView boot = event.find_carried(field::kBootNs);
  clock_ns_ = boot.type == Type::kInteger ? boot.number : event.time_ns;
  users_.refresh(clock_ns_);
  groups_.refresh(clock_ns_);
  name_id(Leaf::kUserId, Leaf::kUserName, users_);
  name_id(Leaf::kGroupId, Leaf::kGroupName, groups_);
  out_.finish();
}

void Enricher::fill_groups() {
  const ProcStatus& status = now_.status;
  if (status.innermost_pid) {
    out_.integer(Leaf::kVpid, *status.innermost_pid);
  } else {
    out_.missing({Leaf::kVpid});
  }
  if (status.has_groups) {
    const FieldId id = process_field(Leaf::kSupplementalGroups);
    out_.event().begin_list(id);
    for (const uint32_t group : status.groups) {
      out_.event().append_integer(id, group, std::to_string(group));
    }
  } else {
    out_.missing({Leaf::kSupplementalGroups});
  }
}

void Enricher::fill_effective_capabilities() {
  const ProcStatus& status = now_.status;
  if (status.effective_capabilities) {
    fill_capabilities(*status.effective_capabilities);
  } else {
    out_.missing({Leaf::kCapabilities});
  }
  // In another user namespace they are no power over the host.
  if (now_.user_namespace && *now_.user_namespace != kInitialUserNamespace && status.user) {
    out_.boolean(Leaf::kPrivileged, status.user->effective == 0);
  }
}

void Enricher::fill_capabilities(uint64_t capabilities) {
  out_.event().begin_list(process_field(Leaf::kCapabilities));
  for (; capabilities != 0; capabilities &= capabilities - 1) {
    out_.append(Leaf::kCapabilities, capability_name(static_cast<unsigned>(std::countr_zero(capabilities))));
  }
}

// Whether more has to be read. What power capabilities are depends on the user namespace, but for whoever is root here.
bool Enricher::may_hold(const ProcStat& stat, const ExecImage& image) {
  if (!foresees()) return true;
  const bool told = image.capabilities && stat.start_stack != 0;
  const EventKind kind = out_.event().kind;
  const bool is_exec = kind == EventKind::kExec || kind == EventKind::kExecCheck;
  if (!told || stat.is_kernel_thread() || !is_exec) return true;
  const bool rootlike = (*image.capabilities & root_capabilities()) != 0;
  const bool of_host = image.is_told ? image.told.user_namespace == kInitialUserNamespace : image.owner == 0u;
  if (rootlike && !of_host) return true;
  return foresight_->may_hold(out_.event());
}

// The ids are known from the lineage; what has to be known of others at another time, which is the privilege, is told.
// All else may have changed unseen, so that what is known from before is no more than a guess.
void Enricher::fill_unasked(const ProcStat& stat, const ExecImage& image) {
  ++counters_.unasked;
  unasked_ = ProgramIdentity{
      .start_ticks = stat.start_ticks, .start_stack = stat.start_stack, .arg_start = stat.arg_start};
  if ((*image.capabilities & root_capabilities()) != 0) {
    out_.boolean(Leaf::kPrivileged, true);
  } else {
    fill_capabilities(*image.capabilities);
  }
  fill_no_now();
  for (LeafMask leaves = kLateLeaves; leaves != 0; leaves &= leaves - 1) {
    const FieldId id = process_field(static_cast<Leaf>(std::countr_zero(leaves)));
    if (!out_.event().carries(id)) out_.event().withhold(id);
  }
}

// Ids and capabilities, which may be others by now, stay as they were told.
bool Enricher::complete(uint32_t pid, const ProgramIdentity& program, Event& event) {
  out_.begin(event);
  ProcStat before;
  before.start_ticks = program.start_ticks;
  before.start_stack = program.start_stack;
  before.arg_start = program.arg_start;
  const bool same = procfs_.select(pid) && read_now(before, {});
  procfs_.release();
  if (!same) return false;
  fill_late();
  return true;
}

void Enricher::complete(const ToldProcess& told, Event& event) {
  out_.begin(event);
  take_told(told);
  fill_late();
}

void Enricher::fill_late() {
  fill_groups();
  fill_place();
  fill_streams();
  forget_missing(out_.event());
  out_.finish();
}

void Enricher::fill_place() {
  const CgroupPlace place = parse_cgroup(now_.has_cgroup ? std::string_view(now_.cgroup) : "");
  if (place.path.empty()) {
    out_.missing({Leaf::kUnit, Leaf::kCgroup});
    out_.missing(field::kContainerId);
    out_.missing(field::kContainerRuntime);
  } else {
    out_.text(Leaf::kCgroup, place.path);
    out_.text_or_null(Leaf::kUnit, place.unit);
    if (!place.container_id.empty()) out_.text(field::kContainerId, place.container_id);
    if (!place.container_runtime.empty()) out_.text(field::kContainerRuntime, place.container_runtime);
  }
  if (!now_.login_uid) {
    out_.missing(field::kUserAuditId);
  } else if (*now_.login_uid != kNoLoginUid) {
    out_.event().set_integer(field::kUserAuditId, *now_.login_uid);
  }
  if (now_.root.empty()) {
    out_.missing({Leaf::kRoot});
  } else {
    out_.text(Leaf::kRoot, now_.root);
  }
  const auto number = [&](Leaf leaf, const std::optional<uint64_t>& inode) {
    if (inode) return out_.integer(leaf, *inode);
    out_.missing({leaf});
  };
  number(Leaf::kMountNamespace, now_.mount_namespace);
  number(Leaf::kUserNamespace, now_.user_namespace);
}

void Enricher::fill_streams() {
  for (size_t i = 0; i < kStreams.size(); ++i) {
    const StreamLeaves& leaves = kStreams[i];
    const Stream& stream = now_.streams[i];
    if (!stream.stream) {
      out_.missing({leaves.type});
      continue;
    }
    out_.text(leaves.type, type_of(*stream.stream));
    if (!stream.peer) continue;
    out_.text(leaves.ip, stream.peer->ip);
    out_.integer(leaves.port, stream.peer->port);
  }
}

void Enricher::fill_environment() {
  if (options_.env.empty()) return;
  if (!now_.has_environment) return out_.missing({Leaf::kEnvVars});
  out_.event().begin_list(process_field(Leaf::kEnvVars));
  NulSeparated variables(now_.environment);
  for (std::string_view variable; variables.next(variable);) {
    const std::string_view name = variable.substr(0, variable.find('='));
    if (std::find(options_.env.begin(), options_.env.end(), name) == options_.env.end()) continue;
    out_.append(Leaf::kEnvVars, variable);
  }
}

}  // namespace detectd
