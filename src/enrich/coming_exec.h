// What an exec that has not happened yet would run, read from the process that asks for it while the kernel makes
// it wait: the arguments are still in its memory, where its system call points.
//
// A thread of the same process can change them after they were read. What is read here is what the process said
// when it was asked; the file itself is the kernel's word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/enrich/exec_image.h"

namespace detectd {

// An execve(2) or execveat(2) in progress.
struct ExecCall {
  uint64_t path = 0;  // addresses in the process
  uint64_t args = 0;
  bool narrow = false;  // of a 32-bit program: pointers of 4 bytes
};
// Of the text of /proc/PID/syscall. Nothing for any other system call, and for none.
std::optional<ExecCall> parse_exec_call(std::string_view text);

// One a thread.
class ComingExecReader {
 public:
  // More arguments are not read.
  static constexpr size_t kMaxArgs = 4096;

  // `procfs` is the root of a procfs, borrowed.
  ComingExecReader(int procfs, size_t max_argv_bytes);

  // Where the process is in an exec: its arguments, each ended by a NUL, at most `max_argv_bytes` of them
  // (`cmdline_truncated`); the file, which is open for reading, and its path for us. What cannot be had stays empty.
  // Nothing else of `image` is touched.
  void read(uint32_t pid, int file, ExecImage& image);
  // Whether this file is what the exec that read() saw names. Not where it is a loader or an interpreter, which the
  // kernel opens besides; nothing where that cannot be told.
  std::optional<bool> names_file(uint32_t pid, const FileIdentity& file) const;

 private:
  std::optional<ExecCall> find_call(uint32_t pid);
  std::optional<ExecCall> read_call(const std::string& path);
  void read_args(uint32_t pid, const ExecCall& call, ExecImage& image);
  bool read_pointer(uint32_t pid, uint64_t address, bool narrow, uint64_t& pointer);
  // Appends the text and its NUL. False: it could not be read, or there was no room.
  bool append_text(uint32_t pid, uint64_t address, size_t max_bytes, std::string& text);

  int procfs_;
  size_t max_argv_bytes_;
  std::string path_;  // as the exec names it; empty: unknown
  std::vector<char> buffer_;
};

}  // namespace detectd
