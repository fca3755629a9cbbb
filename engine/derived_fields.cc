#include "engine/derived_fields.h"

#include <algorithm>
#include <array>

#include "engine/effective_executable.h"
#include "engine/process.h"

namespace detectd {
namespace {

constexpr std::array<FieldOf, 3> kSubjects = {process_field, parent_field, target_field};

// A line's own leaves of one subject, as privilege_of wants them.
struct Carried {
  FieldView find(Leaf leaf, size_t index) const { return event.find_carried(field(leaf), index); }
  size_t count(Leaf leaf) const { return event.carries(field(leaf)) ? event.count(field(leaf)) : 0; }

  const Event& event;
  FieldOf field;
};

void add_name(Event& event, FieldOf field) {
  const FieldId name = field(Leaf::kName);
  if (!is_open(event, name)) return;
  const FieldView executable = event.find_carried(field(Leaf::kExecutable));
  if (executable.type == Type::kText) event.set_text(name, last_path_part(executable.text));
}

void add_privilege(Event& event, FieldOf field) {
  const FieldId privileged = field(Leaf::kPrivileged);
  if (!is_open(event, privileged)) return;
  const Privilege privilege = privilege_of(Carried{event, field});
  if (privilege != Privilege::kUnknown) event.set_boolean(privileged, privilege == Privilege::kRoot);
}

void add_effective_executable(Event& event, FieldOf field) {
  const FieldId effective = field(Leaf::kEffectiveExecutable);
  if (!is_open(event, effective)) return;
  const FieldView executable = event.find_carried(field(Leaf::kExecutable));
  if (executable.type != Type::kText || !may_run_others(executable.text)) return;
  // The options before a script; who gives more hides nothing but this one field.
  std::array<std::string_view, 64> args;
  const size_t count = std::min(event.count(field(Leaf::kArgs)), args.size());
  for (size_t i = 0; i < count; ++i) args[i] = event.find_carried(field(Leaf::kArgs), i).text;
  const std::string_view runs = effective_executable(executable.text, std::span(args.data(), count));
  if (!runs.empty()) event.set_text(effective, runs);
}

}  // namespace

// With each of these a process can become root outright: by its ids (SETUID, SETGID, SETPCAP, SETFCAP), by
// any file's content, owner or mode (DAC_*, CHOWN, FOWNER, MKNOD), by another process (SYS_PTRACE), by the
// kernel (SYS_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_BOOT, BPF), or by a set-uid program in a tree of its own
// making (SYS_CHROOT).
bool amounts_to_root(std::string_view capability) {
  constexpr std::array<std::string_view, 16> kRoot = {
      "CAP_BPF",        "CAP_CHOWN",      "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH",
      "CAP_FOWNER",     "CAP_MKNOD",      "CAP_SETFCAP",      "CAP_SETGID",
      "CAP_SETPCAP",    "CAP_SETUID",     "CAP_SYS_ADMIN",    "CAP_SYS_BOOT",
      "CAP_SYS_CHROOT", "CAP_SYS_MODULE", "CAP_SYS_PTRACE",   "CAP_SYS_RAWIO",
  };
  return std::binary_search(kRoot.begin(), kRoot.end(), capability);
}

void DerivedFields::add_from_line(Event& event) {
  for (const FieldOf field : kSubjects) {
    const LeafMask carried = event.carried_leaves(field(Leaf{}));
    if ((carried & mask_of(Leaf::kExecutable)) != 0) add_name(event, field);
    if ((carried & mask_of(Leaf::kArgs)) != 0 && event.count(field(Leaf::kArgs)) > 0)
      add_from_args(event, field);
    if ((carried & (mask_of(Leaf::kUserId) | mask_of(Leaf::kCapabilities))) != 0) add_privilege(event, field);
  }
}

void DerivedFields::add_from_args(Event& event, FieldOf field) {
  const FieldId args = field(Leaf::kArgs);
  const size_t count = event.count(args);
  if (is_open(event, field(Leaf::kArgv0))) event.set_text(field(Leaf::kArgv0), event.find_carried(args).text);
  if (is_open(event, field(Leaf::kArgsCount))) {
    event.set_integer(field(Leaf::kArgsCount), static_cast<int64_t>(count));
  }
  if (is_open(event, field(Leaf::kCommandLine))) {
    joined_.assign(event.find_carried(args).text);
    for (size_t i = 1; i < count; ++i) {
      joined_ += ' ';
      joined_ += event.find_carried(args, i).text;
    }
    event.set_text(field(Leaf::kCommandLine), joined_);
  }
  add_effective_executable(event, field);
}

void DerivedFields::add_from_lineage(Event& event) {
  for (const FieldOf field : kSubjects) {
    const FieldId name = field(Leaf::kName);
    if (!is_open(event, name) || !event.carries(field(Leaf::kThreadName))) continue;
    if (!event.find(name).absent()) continue;
    event.set(name, event.find_carried(field(Leaf::kThreadName)));
  }
}

}  // namespace detectd
