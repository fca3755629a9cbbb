#include "src/enrich/exec_reader.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>

#include "src/enrich/file_identity.h"
#include "src/enrich/procfs_parse.h"
#include "src/fd.h"

namespace detectd {
namespace {

constexpr size_t kMaxCgroupBytes = size_t{32} << 10;
constexpr int kReadOnly = O_RDONLY | O_CLOEXEC | O_NOCTTY;

}  // namespace

ExecReader::ExecReader(int procfs, size_t max_argv_bytes)
    : procfs_(procfs),
      head_bytes_(max_argv_bytes),
      tail_bytes_(max_argv_bytes / 8),
      // One byte more than is kept shows that there is more.
      buffer_(std::max<size_t>(head_bytes_ + tail_bytes_ + 1, PATH_MAX + 64)) {}

const char* ExecReader::path_of(std::string_view file) {
  char* const end = std::copy(file.begin(), file.end(), path_.begin() + prefix_size_);
  *end = '\0';
  return path_.data();
}

void ExecReader::begin(uint32_t pid, ExecImage& image) {
  image.clear();
  char* const end = std::to_chars(path_.data(), path_.data() + path_.size(), pid).ptr;
  *end = '/';
  prefix_size_ = static_cast<size_t>(end - path_.data()) + 1;
}

void ExecReader::read_program(uint32_t pid, ExecImage& image) {
  begin(pid, image);
  read_link("exe", image.executable);
  read_stat(image);
}

bool ExecReader::read_control_groups(uint32_t pid, uint64_t start_ticks, std::string& text) {
  begin(pid, scratch_);
  const Fd file(openat(procfs_, path_of("cgroup"), kReadOnly));
  if (!file) return false;
  const ssize_t got = ::read(file.number(), buffer_.data(), std::min(buffer_.size(), kMaxCgroupBytes));
  if (got <= 0) return false;
  text.assign(buffer_.data(), static_cast<size_t>(got));
  // Behind it: of a process that has ended the kernel shows the root.
  read_stat(scratch_);
  const auto stat = parse_stat(scratch_.stat);
  return stat && stat->start_ticks == start_ticks && stat->state != 'Z' && stat->state != 'X';
}

bool ExecReader::runs(uint32_t pid, const ProgramIdentity& program) {
  begin(pid, scratch_);
  read_stat(scratch_);
  const auto stat = parse_stat(scratch_.stat);
  return stat && stat->start_ticks == program.start_ticks && stat->start_stack == program.start_stack &&
         stat->arg_start == program.arg_start;
}

std::optional<FileIdentity> ExecReader::read_file(uint32_t pid, const ProgramIdentity& program) {
  begin(pid, scratch_);
  read_file_identity(scratch_);
  const std::optional<FileIdentity> file = scratch_.file;
  return runs(pid, program) ? file : std::nullopt;
}

void ExecReader::read_before_exec(uint32_t pid, ExecImage& image) {
  begin(pid, image);
  read_link("exe", image.executable);
  read_stat(image);
  struct stat info {};
  if (fstatat(procfs_, path_of("stat"), &info, 0) == 0) image.owner = info.st_uid;
  read_link("cwd", image.working_directory);
  read_capabilities(pid, image);
}

void ExecReader::read(uint32_t pid, ExecImage& image) {
  begin(pid, image);
  read_cmdline(image);
  read_link("exe", image.executable);
  if (!image.executable.empty()) read_file_identity(image);
  if (image.stat.empty()) read_stat(image);
  read_link("cwd", image.working_directory);
  read_capabilities(pid, image);
}

void ExecReader::read_cmdline(ExecImage& image) {
  const Fd file(openat(procfs_, path_of("cmdline"), kReadOnly));
  if (!file) return;
  const size_t room = head_bytes_ + tail_bytes_ + 1;
  const ssize_t got = pread(file.number(), buffer_.data(), room, 0);
  if (got <= 0) return;
  struct stat info {};
  if (fstat(file.number(), &info) == 0) image.owner = info.st_uid;
  const auto size = static_cast<size_t>(got);
  image.cmdline.assign(buffer_.data(), std::min(size, head_bytes_));
  if (size > head_bytes_) read_tail(file.number(), size, image);
}

// `size` bytes of the command line stand in buffer_.
void ExecReader::read_tail(int file, size_t size, ExecImage& image) {
  if (size <= head_bytes_ + tail_bytes_) {
    image.cmdline_tail.assign(buffer_.data() + head_bytes_, size - head_bytes_);
    return;
  }
  image.cmdline_truncated = true;
  // Where it ends is told only here, and only to those who may know.
  read_stat(image);
  const auto stat = parse_stat(image.stat);
  if (!stat || stat->arg_end <= stat->arg_start) return;
  const uint64_t total = stat->arg_end - stat->arg_start;
  if (total <= head_bytes_ + tail_bytes_ || total > INT64_MAX) return;
  const ssize_t got =
      pread(file, buffer_.data(), tail_bytes_, static_cast<off_t>(total - uint64_t{tail_bytes_}));
  if (got > 0) image.cmdline_tail.assign(buffer_.data(), static_cast<size_t>(got));
}

void ExecReader::read_file_identity(ExecImage& image) {
  image.file = identify_file(procfs_, path_of("exe"), FollowLink::kYes);
}

void ExecReader::read_stat(ExecImage& image) {
  const Fd file(openat(procfs_, path_of("stat"), kReadOnly));
  if (!file) return;
  const ssize_t got = ::read(file.number(), buffer_.data(), 4096);
  if (got > 0) image.stat.assign(buffer_.data(), static_cast<size_t>(got));
}

// By a system call: a file of procfs would cost ten times that.
void ExecReader::read_capabilities(uint32_t pid, ExecImage& image) {
  __user_cap_header_struct head{.version = _LINUX_CAPABILITY_VERSION_3, .pid = static_cast<int>(pid)};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> words{};
  if (syscall(SYS_capget, &head, words.data()) != 0) return;
  image.capabilities = uint64_t{words[1].effective} << 32 | words[0].effective;
}

void ExecReader::read_link(std::string_view file, std::string& text) {
  const ssize_t got = readlinkat(procfs_, path_of(file), buffer_.data(), PATH_MAX + 64);
  if (got > 0) text.assign(buffer_.data(), static_cast<size_t>(got));
}

}  // namespace detectd
