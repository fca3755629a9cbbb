// Programs that the kernel told of at their exec (ExecRecords), kept until the connector tells of the exec itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "src/enrich/exec_image.h"
#include "src/sources/exec_probe.h"
#include "src/sources/exec_record.h"

namespace detectd {

// One thread's.
class ToldPrograms {
 public:
  // What waits may take so much; of more the oldest go.
  static constexpr size_t kMaxBytes = size_t{24} << 20;
  // A program whose event has not come by then has none, or is held by a debugger.
  static constexpr int64_t kMaxWaitNs = 5'000'000'000;

  struct Options {
    size_t max_argv_bytes = size_t{128} << 10;  // as of ExecReader
    int64_t ticks_per_second = 100;
    // Reads /proc/PID/cgroup of a process that began at that time; false where it runs no more.
    std::function<bool(uint32_t pid, uint64_t start_ticks, std::string& text)> read_groups = {};
  };

  ToldPrograms(std::unique_ptr<ExecRecords> records, Options options);

  int descriptor() const { return records_->descriptor(); }
  // Takes all that the kernel has told.
  void collect();
  // What was told of the exec of `pid` at that moment (CLOCK_MONOTONIC of its event), into `image`. False where nothing
  // was, or not the arguments and the file: then the process has to be asked. Nothing that was told of an earlier one is
  // kept.
  bool take(uint32_t pid, int64_t monotonic_ns, ExecImage& image);
  // Behind a take() of the same exec that gave nothing: what was read of the process instead. Where the kernel could not
  // tell which file it is, it is told of the next programs of that file from then on.
  void learn(const ExecImage& read);
  // All events from before that time were taken: drops what has waited too long for its own.
  void tidy(int64_t taken_ns);

  size_t waiting() const { return programs_.size(); }
  const ExecRecords& records() const { return *records_; }
  ExecRecords& records() { return *records_; }

 private:
  struct Told {
    std::string program;  // the record; empty: parts alone came yet
    std::string args;     // of its parts, in order
    uint32_t parts = 0;   // the next one's number
    bool whole = true;    // no part is missing
  };
  using Key = std::pair<uint32_t, uint64_t>;  // pid, time

  void keep(std::string_view bytes);
  void keep_part(const ExecRecord& record, std::string_view args);
  bool fill(const Told& told, ExecImage& image);
  bool fill_args(const ExecRecord& record, std::string_view all, ExecImage& image) const;
  bool fill_file(const ExecRecord& record, ExecImage& image);
  void fill_groups(const ExecRecord& record, ToldProcess& process);
  bool read_groups(const ExecRecord& record);
  uint64_t ticks(uint64_t boot_ns) const;
  void fill_process(const ExecRecord& record, ToldProcess& process) const;
  std::map<Key, Told>::iterator erase(std::map<Key, Told>::iterator at);

  std::unique_ptr<ExecRecords> records_;
  Options options_;
  std::map<Key, Told> programs_;
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;    // as of the last look
  int64_t dropped_ns_ = 0;  // when records were seen to be missing last
  // By ExecRecord::control_groups.
  struct Groups {
    std::string text;
    uint64_t first_ns = 0;  // CLOCK_MONOTONIC of the exec that read it first
    bool sure = false;
  };
  std::unordered_map<uint64_t, Groups> groups_;
  std::string groups_text_;
  // What stat(2) tells of a file, by device of its superblock and inode, where that is something else.
  std::map<std::pair<uint32_t, uint64_t>, FileIdentity> other_files_;
  // Of the last take(), where the file was not known.
  struct UnknownFile {
    uint32_t device = 0;
    uint64_t inode = 0;
    ProgramIdentity program;
  };
  std::optional<UnknownFile> unknown_file_;
};

}  // namespace detectd
