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
  // What waits may take so much; what comes then is dropped, and counted.
  static constexpr size_t kMaxBytes = size_t{24} << 20;
  // Where there is no room, what has waited longer goes first: its event was lost.
  static constexpr int64_t kLongNs = 60'000'000'000;

  struct Options {
    size_t max_argv_bytes = size_t{128} << 10;  // as of ExecReader
    int64_t ticks_per_second = 100;
    // Reads /proc/PID/cgroup of a process that began at that time; false where it runs no more.
    std::function<bool(uint32_t pid, uint64_t start_ticks, std::string& text)> read_groups = {};
    // Whether this is what the process runs now.
    std::function<bool(uint32_t pid, const ProgramIdentity& program)> runs = {};
    // The file that the process runs, while it is that program.
    std::function<std::optional<FileIdentity>(uint32_t pid, const ProgramIdentity& program)> read_file = {};
  };

  ToldPrograms(std::unique_ptr<ExecRecords> records, Options options);

  int descriptor() const { return records_->descriptor(); }
  // Takes all that the kernel has told.
  void collect();
  // What was told of the exec of `pid` at that moment (CLOCK_MONOTONIC of its event), into `image`. False where nothing
  // was, or not the arguments and the path: then the process has to be asked. Nothing that was told of an earlier one is
  // kept.
  bool take(uint32_t pid, int64_t monotonic_ns, ExecImage& image);
  // The process ended then, or nobody asks for its exec.
  void forget(uint32_t pid, int64_t monotonic_ns);

  // When the last record was made, if one waits for its event; else 0.
  int64_t newest_ns() const { return programs_.empty() ? 0 : newest_ns_; }
  // Records that found no room, in the kernel or here.
  uint64_t dropped() const { return records_->dropped() + dropped_here_; }
  size_t waiting() const { return programs_.size(); }

 private:
  struct Told {
    std::string program;   // the record; empty: parts alone came yet
    std::string args;      // of its parts, in order
    uint32_t parts = 0;    // the next one's number
    bool whole = true;     // no part is missing
    uint64_t dropped = 0;  // as of some time before it
  };
  using Key = std::pair<uint32_t, uint64_t>;  // pid, time

  void keep(std::string_view bytes);
  void keep_part(const ExecRecord& record, std::string_view args);
  bool has_room(size_t bytes, uint64_t now_ns);
  bool is_of(uint64_t told_ns, uint64_t at_ns, const Told& told) const;
  bool fill(const Told& told, ExecImage& image);
  bool fill_args(const ExecRecord& record, std::string_view all, ExecImage& image) const;
  void fill_file(const ExecRecord& record, ExecImage& image) const;
  void fill_groups(const ExecRecord& record, ToldProcess& process);
  bool read_groups(const ExecRecord& record);
  void drop_oldest_groups();
  ProgramIdentity program_of(const ExecRecord& record) const;
  uint64_t ticks(uint64_t boot_ns) const;
  void fill_process(const ExecRecord& record, ToldProcess& process) const;
  std::map<Key, Told>::iterator erase(std::map<Key, Told>::iterator at);

  std::unique_ptr<ExecRecords> records_;
  Options options_;
  std::map<Key, Told> programs_;
  size_t bytes_ = 0;
  int64_t newest_ns_ = 0;
  uint64_t dropped_here_ = 0;
  uint64_t dropped_ = 0;  // as of the collect() before
  // Execs of which nothing was told in time: what comes later is of no other.
  std::unordered_map<uint32_t, uint64_t> untold_;
  // By ExecRecord::control_groups.
  struct Groups {
    std::string text;
    uint64_t first_ns = 0;  // CLOCK_MONOTONIC of the exec that read it first
    bool sure = false;
  };
  std::unordered_map<uint64_t, Groups> groups_;
  std::string groups_text_;
};

}  // namespace detectd
