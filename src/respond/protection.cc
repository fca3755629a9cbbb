#include "src/respond/protection.h"

#include <algorithm>
#include <utility>

#include "engine/unsure_fields.h"

namespace detectd {
namespace {

constexpr uint32_t kInit = 1;
// All threads of the kernel are its children.
constexpr uint32_t kKernelThreads = 2;
constexpr size_t kMaxOwnAncestors = 64;
constexpr int64_t kLookAroundNs = 1'000'000'000;

// What the kernel appends to the path of a file without a name.
constexpr std::string_view kDeleted = " (deleted)";

bool is_path(std::string_view executable, std::string_view path) {
  if (executable.ends_with(kDeleted) && executable != path) executable.remove_suffix(kDeleted.size());
  return executable == path;
}

// What the kernel itself started has it for a parent too, but has an executable.
bool is_of_kernel(const ResponseTarget& target) {
  if (target.kernel_thread || target.pid == kKernelThreads) return true;
  return target.parent_pid == kKernelThreads && target.executable.empty() && !target.file;
}

// Below a unit that is no slice names are its own choice: a user could call a group there as he likes.
bool is_in(std::string_view cgroup, std::string_view unit) {
  while (!cgroup.empty()) {
    cgroup.remove_prefix(std::min(cgroup.find_first_not_of('/'), cgroup.size()));
    const size_t end = std::min(cgroup.find('/'), cgroup.size());
    std::string_view part = cgroup.substr(0, end);
    cgroup.remove_prefix(end);
    // systemd's escape of names that could be taken for the kernel's.
    if (part.starts_with('_')) part.remove_prefix(1);
    if (!part.empty() && part == unit) return true;
    if (!part.ends_with(".slice")) return false;
  }
  return false;
}

uint32_t pid_of(const FieldView& view) {
  const bool is_pid = view.type == Type::kInteger && view.number > 0 && view.number <= INT32_MAX;
  return is_pid ? static_cast<uint32_t>(view.number) : 0;
}

template <class Find>
ResponseTarget target_of(Find find) {
  const FieldView deleted = find(Leaf::kDeleted);
  return {.pid = pid_of(find(Leaf::kPid)),
          .executable = find(Leaf::kExecutable).text,
          .file = file_key(find(Leaf::kDevice), find(Leaf::kInode)),
          .file_deleted = deleted.type == Type::kBoolean && deleted.number != 0,
          .unit = find(Leaf::kUnit).text,
          .cgroup = find(Leaf::kCgroup).text};
}

}  // namespace

ResponseTarget response_target(const Event& event) {
  ResponseTarget target = target_of([&event](Leaf leaf) { return event.find(process_field(leaf)); });
  target.parent_pid = pid_of(event.find(parent_field(Leaf::kPid)));
  target.foreign_path = UnsureFields(event).has(process_field(Leaf::kExecutable));
  return target;
}

ResponseTarget response_target(const Process& process) {
  ResponseTarget target = target_of([&process](Leaf leaf) { return process.find(leaf); });
  target.pid = process.key.pid;
  target.parent_pid = process.parent ? process.parent->key.pid : 0;
  return target;
}

Protection::Protection(ProtectedList list, Host host) : list_(std::move(list)), host_(std::move(host)) {
  look_around();
}

void Protection::look_around(int64_t now_ns) {
  if (now_ns - looked_around_ns_ < kLookAroundNs) return;
  looked_around_ns_ = now_ns;
  look_around();
}

void Protection::look_around() {
  if (!host_.parent) return;
  own_.assign(1, host_.self);
  while (own_.size() < kMaxOwnAncestors) {
    const uint32_t parent = host_.parent(own_.back());
    if (parent <= kInit) break;
    own_.push_back(parent);
  }
}

std::string_view Protection::why(const ResponseTarget& target) const {
  if (target.pid == kInit) return "pid 1";
  if (is_of_kernel(target)) return "a thread of the kernel";
  if (std::find(own_.begin(), own_.end(), target.pid) != own_.end()) return "detectd itself";
  for (const std::string& path : list_.executables) {
    if (is_executable(target, path)) return path;
  }
  for (const std::string& unit : list_.units) {
    if (target.unit == unit || is_in(target.cgroup, unit)) return unit;
  }
  return {};
}

// By the file that the path leads to here; by the path alone only where the file has no path any more, as after an
// upgrade, and where nobody can be asked. Else whoever mounts a file of his over such a path, for himself alone, would
// be safe from us. He could remove that file, too; but nobody mounts without privileges but in a user namespace of his
// own, which he does not get out of again.
bool Protection::is_executable(const ResponseTarget& target, const std::string& path) const {
  const bool by_path = !host_.file || target.file_deleted || !target.file;
  if (!by_path) return host_.file(path) == target.file;
  if (target.foreign_path || !is_path(target.executable, path)) return false;
  return !host_.other_users || !host_.other_users(target.pid);
}

}  // namespace detectd
