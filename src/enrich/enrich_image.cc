// The part of Enricher that tells of the program: executable and arguments.
#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <string>

#include "engine/digest.h"
#include "src/enrich/enricher.h"

namespace detectd {
namespace {

constexpr std::string_view kDeleted = " (deleted)";
constexpr int64_t kPathKnownNs = 5'000'000;
constexpr int64_t kPathKnownOfToldNs = 250'000'000;

std::string octal_mode(uint32_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777u);
  return text.data();
}

}  // namespace

void Enricher::fill_no_image() {
  out_.missing({Leaf::kThreadName, Leaf::kWorkingDirectory});
  fill_no_file();
  fill_no_args();
}

void Enricher::fill_no_file() {
  out_.missing({Leaf::kExecutable, Leaf::kDeleted, Leaf::kMemfd, Leaf::kDevice, Leaf::kInode, Leaf::kLinks,
                Leaf::kOwner, Leaf::kMode});
}

void Enricher::fill_executable(const ExecImage& image) {
  if (image.executable.empty()) return fill_no_file();
  if (!image.file) {
    // Whether ` (deleted)` belongs to the name cannot be told, so it is not to be trusted.
    out_.text(Leaf::kExecutable, image.executable);
    return fill_no_file();
  }
  const FileIdentity& file = *image.file;
  path_.assign(image.executable);
  if (file.links == 0 && path_.ends_with(kDeleted)) path_.resize(path_.size() - kDeleted.size());
  out_.text(Leaf::kExecutable, path_);
  out_.boolean(Leaf::kDeleted, file.links == 0);
  out_.boolean(Leaf::kMemfd, is_memory_file(path_, file));
  out_.text(Leaf::kDevice, std::to_string(file.device_major) + ":" + std::to_string(file.device_minor));
  out_.integer(Leaf::kInode, file.inode);
  out_.integer(Leaf::kLinks, file.links);
  out_.integer(Leaf::kOwner, file.owner);
  out_.text(Leaf::kMode, octal_mode(file.mode));
  if (!is_trusted(path_, file, image)) {
    ++counters_.not_trusted;
    out_.missing({Leaf::kExecutable});
  }
}

// Whether the path leads to this file for us too. In another mount namespace, or of a file system that was
// taken off the tree, the kernel prints a path that is another file here, or none.
bool Enricher::is_trusted(const std::string& path, const FileIdentity& file, const ExecImage& image) {
  if (file.links == 0) return true;  // no path leads there any more, and Ext.deleted says so
  KnownPath& known = known_paths_[std::hash<std::string_view>{}(path) % known_paths_.size()];
  const int64_t age_ns = clock_ns_ - known.clock_ns;
  // What was seen so shortly before is as near to the exec as what would be seen now: programs that the kernel told of
  // come later.
  if (age_ns >= 0 && age_ns < (image.is_told ? kPathKnownOfToldNs : kPathKnownNs) &&
      known.file.same_file(file) && known.path == path)
    return true;
  const auto host = procfs_.host_file(path);
  // By now it may be gone. In the namespace of the host the kernel told where it was at the exec; the file's mount counts,
  // not the process: who runs /proc/PID/root/usr/bin/x may be in the namespace of the host.
  const bool of_host =
      image.is_told && host_mount_namespace_ != 0 && image.told.file_mount_namespace == host_mount_namespace_;
  if (!host && of_host && !path.ends_with(kDeleted)) return true;
  if (!host || !host->same_file(file)) return false;
  known = {path, file, clock_ns_};
  return true;
}

bool Enricher::is_memory_file(std::string_view text, const FileIdentity& file) const {
  if (file.links != 0 || !text.starts_with("/memfd:")) return false;
  // A deleted file of this name in / is on another device.
  const auto is_device = [&](const auto& device) {
    return device.first == file.device_major && device.second == file.device_minor;
  };
  return memory_devices_.empty() || std::any_of(memory_devices_.begin(), memory_devices_.end(), is_device);
}

void Enricher::fill_no_args() {
  out_.missing({Leaf::kArgs, Leaf::kArgsCount, Leaf::kCommandLine, Leaf::kArgv0, Leaf::kEffectiveExecutable});
}

void Enricher::fill_args(const ExecImage& image, const ProcStat* stat) {
  std::string_view head = image.cmdline;
  std::string_view tail = image.cmdline_tail;
  const bool knows_size = stat != nullptr && stat->arg_start != 0 && stat->arg_end >= stat->arg_start;
  if (knows_size && !image.cmdline_truncated) {
    // Where a process wrote over the end of its arguments, the kernel goes on into the environment.
    const uint64_t size = stat->arg_end - stat->arg_start;
    head = head.substr(0, std::min<uint64_t>(size, head.size()));
    tail = tail.substr(0, std::min<uint64_t>(size - head.size(), tail.size()));
  }
  if (head.empty()) {
    const bool has_none = knows_size && stat->arg_end == stat->arg_start;
    if (!has_none) return fill_no_args();
    // What Linux makes of no arguments at all since 5.18.
    out_.event().begin_list(process_field(Leaf::kArgs));
    out_.append(Leaf::kArgs, "");
    return;
  }
  const size_t size_read = head.size() + tail.size();
  size_t count = count_nul_separated(head) + count_nul_separated(tail);
  if (image.cmdline_truncated) {
    out_.missing({Leaf::kArgsCount});
  } else {
    if (!tail.empty()) {
      joined_args_.assign(head);
      joined_args_.append(tail);
      head = joined_args_;
      tail = {};
    }
    count = count_nul_separated(head);
    if (count > kMaxArgs) out_.integer(Leaf::kArgsCount, count);
  }
  append_args(head, tail, count);
  // An exec puts them on the initial stack; elsewhere they are what the process has put there later. Where the kernel
  // gives less than there is, it wrote over their end, or closed a part of its memory.
  const bool cut_short =
      knows_size && !image.cmdline_truncated && size_read < stat->arg_end - stat->arg_start;
  if (cut_short || (knows_size && stat->arg_start < stat->start_stack)) out_.missing({Leaf::kArgs});
  if (image.cmdline_truncated || count > kMaxArgs) out_.event().set_boolean(field::kArgvTruncated, true);
}

// Of `count` arguments the first and the last.
void Enricher::append_args(std::string_view head, std::string_view tail, size_t count) {
  constexpr size_t kLast = kMaxArgs / 8;
  const size_t first = count > kMaxArgs ? kMaxArgs - kLast : count;
  const size_t last_from = count > kMaxArgs ? count - kLast : count;
  exact_args_.clear();
  bool replaced = false;
  size_t index = 0;
  out_.event().begin_list(process_field(Leaf::kArgs));
  for (const std::string_view part : {head, tail}) {
    NulSeparated args(part);
    for (std::string_view arg; args.next(arg); ++index) {
      if (index >= first && index < last_from) continue;
      replaced = out_.append(Leaf::kArgs, arg) || replaced;
      exact_args_.append(arg);
      exact_args_ += '\0';
    }
  }
  if (replaced) out_.event().set_text(field::kArgsBytes, base64(exact_args_));
}

}  // namespace detectd
