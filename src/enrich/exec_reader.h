// Reads an ExecImage, as fast as it can be had: the race is with the end of the process.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/enrich/exec_image.h"

namespace detectd {

// One a thread. Allocates nothing once an image's buffers have grown. Waits for nothing but procfs: of the
// executable only what its file system has at hand is asked for.
class ExecReader {
 public:
  static constexpr size_t kMaxArgvBytes = size_t{128} << 10;

  // `procfs` is the root of a procfs, borrowed. Of a longer command line than `max_argv_bytes` the head of
  // that size and a tail of an eighth of it are read.
  explicit ExecReader(int procfs, size_t max_argv_bytes = kMaxArgvBytes);

  // Command line, executable, stat, working directory, capabilities, in this order. What cannot be had stays empty.
  void read(uint32_t pid, ExecImage& image);
  // What it was before an exec, without arguments and file.
  void read_before_exec(uint32_t pid, ExecImage& image);
  // /proc/PID/cgroup, of a process that began at that time and still runs; else false.
  bool read_control_groups(uint32_t pid, uint64_t start_ticks, std::string& text);
  // Whether the process runs this program, which the kernel told of; and the file that it runs, while it does.
  bool runs(uint32_t pid, const ProgramIdentity& program);
  std::optional<FileIdentity> read_file(uint32_t pid, const ProgramIdentity& program);
  // Executable and stat alone.
  void read_program(uint32_t pid, ExecImage& image);

 private:
  void begin(uint32_t pid, ExecImage& image);
  const char* path_of(std::string_view file);
  void read_cmdline(ExecImage& image);
  void read_tail(int file, size_t size, ExecImage& image);
  void read_file_identity(ExecImage& image);
  void read_stat(ExecImage& image);
  static void read_capabilities(uint32_t pid, ExecImage& image);
  void read_link(std::string_view file, std::string& text);

  int procfs_;
  size_t head_bytes_;
  size_t tail_bytes_;
  std::vector<char> buffer_;
  std::array<char, 32> path_{};
  size_t prefix_size_ = 0;  // of "PID/" in path_
  ExecImage scratch_;
};

}  // namespace detectd
