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
#include "src/live/connection_poller.h"
#include "src/live/health.h"
#include "src/live/live_source.h"
#include "src/live/procfs_poll.h"

namespace detectd {

class ProcfsSource final : public LiveSource {
 public:
  static constexpr int64_t kPeriodNs = 100'000'000;

  struct Options {
    int procfs = -1;  // root of a procfs, borrowed
    size_t max_argv_bytes = ExecReader::kMaxArgvBytes;
    Enricher::Options enricher{};
    int64_t period_ns = kPeriodNs;
    bool connections = false;  // watch_connections(), from the start
  };

  ProcfsSource(std::shared_ptr<const CaptureHost> host, Options options);

  void watch_connections(bool wanted) override;
  // Among the events of the next look.
  void tell(const HealthReport& report) override { reports_.push_back(report); }

  // Waits for the next look; ends when a stop is requested.
  Result<bool> next(std::vector<Event>& chunk) override;
  std::optional<Moment> settled() const override { return settled_; }
  const SourceReport& report() const override { return report_; }

  const ProcfsPoll::Counters& counters() const { return poll_.counters(); }
  ConnectionPoller::Counters connections() const { return connections_.counters(); }
  const ClockJumps& jumps() const { return jumps_; }

 private:
  Status look(int64_t now_ns);
  void look_at_connections(int64_t now_ns, const Moment& now);
  void tell_blindness(const Moment& now);
  void give(std::vector<Event>& chunk);

  Options options_;
  std::shared_ptr<const CaptureHost> host_;
  BootClock clock_;
  RealProcfs procfs_;
  ExecReader reader_;
  Enricher enricher_;
  ProcfsPoll poll_;
  ConnectionPoller connections_;
  bool wants_connections_ = false;
  int64_t connections_looked_ns_ = 0;
  std::vector<Connection> found_;
  std::vector<HealthReport> reports_;
  ClockJumps jumps_;
  int64_t next_look_ns_ = 0;
  int64_t clocks_read_ns_ = 0;
  std::vector<Event> told_;  // from given_ on not given yet
  size_t given_ = 0;
  std::optional<Moment> settled_;
  SourceReport report_;
};

}  // namespace detectd
