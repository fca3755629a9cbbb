// Fills an event with what is known of its own process: from what was read at once (ExecImage), and from what
// is read now. Lineage and history are the engine's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/event.h"
#include "engine/foresight.h"
#include "src/enrich/event_writer.h"
#include "src/enrich/exec_image.h"
#include "src/enrich/file_hash.h"
#include "src/enrich/id_names.h"
#include "src/enrich/procfs.h"
#include "src/enrich/procfs_parse.h"

namespace detectd {

// One a thread.
class Enricher {
 public:
  // Of more arguments the first and the last are kept, an eighth of them last.
  static constexpr size_t kMaxArgs = 4096;

  struct Options {
    bool hash = false;
    uint64_t hash_bytes_per_second = uint64_t{64} << 20;
    std::vector<std::string> env = {};         // names of variables for process.env_vars
    std::optional<int64_t> boot_time_ns = {};  // wall clock at boot, for events that do not carry both clocks
    int64_t ticks_per_second = 100;
    std::string users = "/etc/passwd";
    std::string groups = "/etc/group";
  };
  struct Counters {
    uint64_t filled = 0;
    uint64_t superseded = 0;   // a later exec was queued
    uint64_t stale = 0;        // what was read at once is of a process that began after the event
    uint64_t ended = 0;        // nothing could be read any more
    uint64_t unasked = 0;      // nothing more was read of it, since no rule could hold
    uint64_t changed = 0;      // another process or program had the pid when the rest was read
    uint64_t not_trusted = 0;  // the path of the executable is another file for us, or none
    FileHash::Counters hash;
  };

  // `procfs` is kept by reference.
  Enricher(Procfs& procfs, Options options);

  // `event` is an exec or already_running of `pid`, with its time and `detectd.boot_ns` set where they are known:
  // they are the clock of this class. `superseded`: a later exec of the process was queued when `image` was read,
  // so that arguments and program may be the later one's; nothing of it is taken. All that could not be had, and
  // an executable whose path is not to be trusted, is named in detectd.missing.
  void fill(uint32_t pid, const ExecImage& image, bool superseded, Event& event);
  // From now on what costs a look at the process (kLateLeaves, container, login uid) is read of an exec only where a
  // rule may hold for it; null: always. What is not read is missing, and the lineage forgets it.
  void read_for(std::unique_ptr<Foresight> foresight) { foresight_ = std::move(foresight); }
  // Whether that may save something now.
  bool foresees() const { return foresight_ && !read_all_ && !options_.hash && options_.env.empty(); }
  // Of the last event that was filled, where not all was read.
  const std::optional<ProgramIdentity>& unasked() const { return unasked_; }
  // Reads what was not, of an event of `program`. False, and nothing is added, where it runs no more.
  bool complete(uint32_t pid, const ProgramIdentity& program, Event& event);
  // The same of what the kernel told of it.
  void complete(const ToldProcess& told, Event& event);
  // While it is set, everything is read all the same.
  void read_all(bool all) { read_all_ = all; }
  // The same for an exec that has not happened yet: `image` is of the program that would run, whose `file` is open
  // for reading, with the `stat` and the working directory of the process as it is.
  void fill_check(uint32_t pid, const ExecImage& image, int file, Event& event);
  // Names for the user and group ids that an event of any kind carries.
  void name_ids(Event& event);

  Counters counters() const;

 private:
  // Of what was read at once.
  void fill_birth(const ProcStat& stat);
  void fill_executable(const ExecImage& image);
  void fill_no_file();
  bool is_trusted(const std::string& path, const FileIdentity& file, const ExecImage& image);
  bool is_memory_file(std::string_view text, const FileIdentity& file) const;
  void fill_args(const ExecImage& image, const ProcStat* stat);
  void fill_no_args();
  void append_args(std::string_view head, std::string_view tail, size_t count);
  void fill_no_image();

  // Of what is read now, if it is.
  bool may_hold(const ProcStat& stat, const ExecImage& image);
  void fill_unasked(const ProcStat& stat, const ExecImage& image);
  bool fill_now(uint32_t pid, const ProcStat& before, const ExecImage& image);
  bool read_now(const ProcStat& before, const ExecImage& image);
  std::optional<char> state_of(const ProcStat& before);
  void take_told(const ToldProcess& told);
  void read_untold(uint32_t pid, const ProcStat& before, const ExecImage& image);
  void forget_what_ended();
  void fill_late();
  void fill_ids();
  void fill_groups();
  void fill_effective_capabilities();
  void fill_place();
  void fill_streams();
  void fill_environment();
  void fill_no_now();
  void fill_capabilities(uint64_t capabilities);
  void hash_executable(const ExecImage& image);
  void name_id(Leaf id, Leaf name, IdNames& names);

  Procfs& procfs_;
  Options options_;
  IdNames users_;
  IdNames groups_;
  FileHash hash_;
  EventWriter out_;
  Counters counters_;
  std::unique_ptr<Foresight> foresight_;
  bool read_all_ = false;
  std::optional<ProgramIdentity> unasked_;
  std::vector<std::pair<uint32_t, uint32_t>> memory_devices_;
  uint64_t host_mount_namespace_;  // 0: not for us to know
  int coming_file_ = -1;           // of fill_check()

  // Which file a path was found to lead to, at an event of that time: programs come again and again in a storm.
  struct KnownPath {
    std::string path;
    FileIdentity file;
    int64_t clock_ns = 0;
  };
  std::array<KnownPath, 16> known_paths_;

  // Scratch.
  struct Stream {
    std::optional<ProcStream> stream;
    std::optional<SocketPeer> peer;
  };
  struct NowText {
    ProcStatus status;
    bool has_status = false;
    bool has_cgroup = false;
    bool has_environment = false;
    std::string status_text;
    std::string stat;
    std::string cgroup;
    std::optional<uint32_t> login_uid;
    std::optional<uint64_t> mount_namespace;
    std::optional<uint64_t> user_namespace;
    std::string root;
    std::string environment;
    std::array<Stream, 3> streams;
    std::optional<Sha256> sha256;
  };
  NowText now_;
  std::string link_;
  std::string path_;
  std::string joined_args_;
  std::string exact_args_;
  int64_t clock_ns_ = 0;
};

}  // namespace detectd
