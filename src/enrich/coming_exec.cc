#include "src/enrich/coming_exec.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <climits>
#include <cstring>
#include <memory>

#include "src/enrich/file_identity.h"
#include "src/fd.h"

namespace detectd {
namespace {

constexpr uint64_t kPageBytes = 4096;
// Of a process with very many threads, those that are looked at for the one that execs.
constexpr size_t kMaxThreads = 256;

struct CallNumber {
  long number;
  bool has_directory;
  bool narrow;
};
constexpr CallNumber kCalls[] = {
    {SYS_execve, false, false},
    {SYS_execveat, true, false},
#ifdef __x86_64__
    // Of the 32-bit table. In the 64-bit one 11 and 358 open no program, so that who waits for one is not in them.
    {11, false, true},
    {358, true, true},
#endif
};

// Takes a number in decimal or, behind 0x, hexadecimal, and the blank behind it.
std::optional<uint64_t> take_number(std::string_view& text) {
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  return number;
}

bool read_memory(uint32_t pid, uint64_t address, char* to, size_t bytes) {
  const iovec here{.iov_base = to, .iov_len = bytes};
  iovec there{};
  there.iov_base = reinterpret_cast<void*>(address);
  there.iov_len = bytes;
  return process_vm_readv(static_cast<pid_t>(pid), &here, 1, &there, 1, 0) == static_cast<ssize_t>(bytes);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};

}  // namespace

std::optional<ExecCall> parse_exec_call(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  for (const CallNumber& call : kCalls) {
    if (*number != static_cast<uint64_t>(call.number)) continue;
    if (call.has_directory && !take_number(text)) return std::nullopt;
    const auto path = take_number(text);
    const auto args = path ? take_number(text) : std::nullopt;
    if (!args) return std::nullopt;
    return ExecCall{.path = *path, .args = *args, .narrow = call.narrow};
  }
  return std::nullopt;
}

ComingExecReader::ComingExecReader(int procfs, size_t max_argv_bytes)
    : procfs_(procfs), max_argv_bytes_(max_argv_bytes), buffer_(kPageBytes) {}

void ComingExecReader::read(uint32_t pid, int file, ExecImage& image) {
  image.cmdline.clear();
  image.cmdline_tail.clear();
  image.cmdline_truncated = false;
  image.executable.clear();
  path_.clear();
  std::array<char, PATH_MAX> link{};
  const std::string name = "/proc/self/fd/" + std::to_string(file);
  const ssize_t size = readlink(name.c_str(), link.data(), link.size());
  if (size > 0) image.executable.assign(link.data(), static_cast<size_t>(size));
  image.file = identify_file(file, "", FollowLink::kNo);
  const auto call = find_call(pid);
  if (!call) return;
  if (append_text(pid, call->path, PATH_MAX, path_)) {
    path_.pop_back();
  } else {
    path_.clear();
  }
  read_args(pid, *call, image);
}

std::optional<ExecCall> ComingExecReader::find_call(uint32_t pid) {
  const std::string process = std::to_string(pid);
  if (const auto call = read_call(process + "/syscall")) return call;
  // Another thread than the first.
  const int tasks = openat(procfs_, (process + "/task").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0) return std::nullopt;
  const std::unique_ptr<DIR, CloseDirectory> opened(fdopendir(tasks));
  if (!opened) return std::nullopt;
  for (size_t seen = 0; seen < kMaxThreads; ++seen) {
    const dirent* const entry = readdir(opened.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.') continue;
    if (const auto call = read_call(process + "/task/" + entry->d_name + "/syscall")) return call;
  }
  return std::nullopt;
}

std::optional<ExecCall> ComingExecReader::read_call(const std::string& path) {
  const Fd file(openat(procfs_, path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, 256> text{};
  const ssize_t size = pread(file.number(), text.data(), text.size(), 0);
  if (size <= 0) return std::nullopt;
  return parse_exec_call({text.data(), static_cast<size_t>(size)});
}

void ComingExecReader::read_args(uint32_t pid, const ExecCall& call, ExecImage& image) {
  const uint64_t step = call.narrow ? 4 : 8;
  for (size_t i = 0;; ++i) {
    uint64_t pointer = 0;
    if (!read_pointer(pid, call.args + i * step, call.narrow, pointer)) {
      image.cmdline.clear();
      return;
    }
    if (pointer == 0) return;
    const size_t room = max_argv_bytes_ - image.cmdline.size();
    const size_t before = image.cmdline.size();
    if (i == kMaxArgs || !append_text(pid, pointer, room, image.cmdline)) {
      // What there was room for is kept; what could not be read makes all of it doubtful.
      image.cmdline_truncated = i == kMaxArgs || image.cmdline.size() - before == room;
      if (!image.cmdline_truncated) image.cmdline.clear();
      return;
    }
  }
}

bool ComingExecReader::read_pointer(uint32_t pid, uint64_t address, bool narrow, uint64_t& pointer) {
  if (!narrow) return read_memory(pid, address, reinterpret_cast<char*>(&pointer), sizeof pointer);
  uint32_t short_pointer = 0;
  const bool read = read_memory(pid, address, reinterpret_cast<char*>(&short_pointer), sizeof short_pointer);
  pointer = short_pointer;
  return read;
}

bool ComingExecReader::append_text(uint32_t pid, uint64_t address, size_t max_bytes, std::string& text) {
  size_t left = max_bytes;
  while (left > 0) {
    // Never over the end of a page: the next may not be there.
    const size_t bytes = std::min<uint64_t>(left, kPageBytes - address % kPageBytes);
    if (!read_memory(pid, address, buffer_.data(), bytes)) return false;
    const void* const end = std::memchr(buffer_.data(), 0, bytes);
    if (end != nullptr) {
      const auto length = static_cast<size_t>(static_cast<const char*>(end) - buffer_.data());
      text.append(buffer_.data(), length + 1);
      return true;
    }
    text.append(buffer_.data(), bytes);
    address += bytes;
    left -= bytes;
  }
  return false;
}

std::optional<bool> ComingExecReader::names_file(uint32_t pid, const FileIdentity& file) const {
  if (path_.empty()) return std::nullopt;
  // As the process sees it. A link to an absolute path means another file for us where it has another root.
  const std::string seen = std::to_string(pid) + (path_.front() == '/' ? "/root" : "/cwd/") + path_;
  const auto named = identify_file(procfs_, seen.c_str(), FollowLink::kYes);
  if (!named) return std::nullopt;
  return named->same_file(file);
}

}  // namespace detectd
