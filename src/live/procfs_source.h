// Events from polling /proc, for whoever the kernel tells nothing: an ordinary user, a container. It begins with a
// `lost` event, since what polling misses nobody can count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "src/boot_clock.h"
#include "src/enrich/enricher.h"
#include "src/enrich/exec_reader.h"
#include "src/enrich/procfs.h"
#include "src/live/procfs_poll.h"
#include "src/sources/event_source.h"

namespace detectd {

class ProcfsSource final : public EventSource {
 public:
  static constexpr int64_t kPeriodNs = 100'000'000;

  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    size_t max_argv_bytes = ExecReader::kMaxArgvBytes;
    Enricher::Options enricher{};
    int64_t period_ns = kPeriodNs;
  };

  ProcfsSource(std::shared_ptr<const CaptureHost> host, Options options);

  // Waits for the next look; ends when a stop is requested.
  Result<bool> next(std::vector<Event>& chunk) override;
  std::optional<Moment> settled() const override { return settled_; }
  const SourceReport& report() const override { return report_; }

  const ProcfsPoll::Counters& counters() const { return poll_.counters(); }

 private:
  Status look(int64_t now_ns);
  void tell_blindness(const Moment& now);
  void give(std::vector<Event>& chunk);

  Options options_;
  std::shared_ptr<const CaptureHost> host_;
  BootClock clock_;
  RealProcfs procfs_;
  ExecReader reader_;
  Enricher enricher_;
  ProcfsPoll poll_;
  int64_t next_look_ns_ = 0;
  int64_t clocks_read_ns_ = 0;
  std::vector<Event> told_;  // from given_ on not given yet
  size_t given_ = 0;
  std::optional<Moment> settled_;
  SourceReport report_;
};

}  // namespace detectd
