// Reads files to their end by processes of its own. Whoever may mount a file system can arrange that it does not answer;
// who waits for it then can not even be killed, and until it ends keeps its locks. So what waits has nothing to keep.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <tuple>
#include <vector>

#include "engine/digest.h"
#include "src/fd.h"

namespace detectd {

// Which content of which file: device, inode, size, mtime, ctime.
using FileVersion = std::tuple<dev_t, ino_t, uint64_t, int64_t, int64_t>;
// Of a regular file, as the kernel knows it without asking who serves it; nothing of another.
std::optional<FileVersion> version_of(int file);

class FileReader {
 public:
  // So many reads may hang at the same time; of files on no block device, which users may mount, one less.
  static constexpr size_t kMaxProcesses = 4;

  // Writes what is in a file, which may be open as a path alone, into a pipe; in a bare process (bare_process.h).
  using Copy = void (*)(int file, int pipe);
  static void copy_file(int file, int pipe);

  struct Answer {
    bool in_time = false;
    std::optional<Sha256> digest;  // nothing: it could not be read, or is another version by now
  };

  explicit FileReader(Copy copy = copy_file) : copy_(copy) {}
  // Waits for no read that hangs: its process ends when it can.
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // False: too many reads hang, or one of a file on the same device does.
  bool accepts(const FileVersion& version);
  // Waits no longer than `wait_ns`. To be called where accepts() says so.
  Answer read(const Fd& file, const FileVersion& version, int64_t wait_ns);

 private:
  struct Process {
    Fd pidfd;
    Fd socket;
    size_t unended = 0;               // copies that it has not said to have ended
    std::optional<FileVersion> late;  // what was not waited for to the end
  };

  void take_ends();
  Process* idle_process();

  Copy copy_;
  std::vector<Process> processes_;
};

}  // namespace detectd
