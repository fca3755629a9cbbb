#include "src/live/procfs_source.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/host_identity.h"
#include "src/live/connection_watch.h"
#include "src/stop.h"

namespace detectd {
namespace {

constexpr size_t kChunkEvents = 512;

Enricher::Options enricher_options(const ProcfsSource::Options& options, const CaptureHost& host) {
  Enricher::Options chosen = options.enricher;
  chosen.boot_time_ns = host.booted_ns;
  return chosen;
}

}  // namespace

ProcfsSource::ProcfsSource(std::shared_ptr<const CaptureHost> host, Options options)
    : options_(std::move(options)),
      host_(std::move(host)),
      clock_(clocks_of(*host_)),
      procfs_(options_.procfs),
      reader_(options_.procfs, options_.max_argv_bytes),
      enricher_(procfs_, enricher_options(options_, *host_)),
      poll_(
          procfs_, [this](uint32_t pid, ExecImage& image) { reader_.read(pid, image); }, enricher_),
      connections_({.procfs = options_.procfs}),
      wants_connections_(options_.connections) {}

void ProcfsSource::watch_connections(bool wanted) {
  if (!wanted && wants_connections_) connections_.forget();
  wants_connections_ = wanted;
}

Result<bool> ProcfsSource::next(std::vector<Event>& chunk) {
  chunk.clear();
  if (given_ == told_.size()) {
    if (stop_requested()) return false;
    const int64_t wait_ns = next_look_ns_ - steady_clock_ns();
    if (wait_ns > 0) {
      const timespec pause{.tv_sec = wait_ns / kNanosPerSecond, .tv_nsec = wait_ns % kNanosPerSecond};
      // A signal that ends it early only makes the next look an early one.
      nanosleep(&pause, nullptr);
    }
    const int64_t now_ns = steady_clock_ns();
    next_look_ns_ = now_ns + options_.period_ns;
    if (Status status = look(now_ns); !status) return std::move(status).error();
  }
  give(chunk);
  return true;
}

Status ProcfsSource::look(int64_t now_ns) {
  if (now_ns - clocks_read_ns_ >= kNanosPerSecond) {
    clocks_read_ns_ = now_ns;
    jumps_.add(clock_.update(read_clocks()));
  }
  const int64_t boot_ns = clock_.boot_ns(now_ns);
  const Moment now{.time_ns = clock_.wall_ns(boot_ns), .boot_ns = boot_ns, .host = host_};
  told_.clear();
  given_ = 0;
  if (!settled_) tell_blindness(now);
  Status status = poll_.look(now, [this](Event& event) { told_.push_back(std::move(event)); });
  if (status && wants_connections_) look_at_connections(now_ns, now);
  for (const HealthReport& report : reports_) to_event(report, now, "procfs", told_.emplace_back());
  reports_.clear();
  settled_ = now;
  return status;
}

// Behind the processes, so that whose they are is known.
void ProcfsSource::look_at_connections(int64_t now_ns, const Moment& now) {
  if (connections_looked_ns_ != 0 && now_ns - connections_looked_ns_ < kNanosPerSecond) return;
  connections_looked_ns_ = now_ns;
  found_.clear();
  // What can not be read is counted.
  if (Status status = connections_.poll(found_); !status) return;
  for (const Connection& connection : found_)
    to_event(connection, *now.boot_ns, now.time_ns, host_, told_.emplace_back());
}

void ProcfsSource::tell_blindness(const Moment& now) {
  Event event;
  event.clear();
  event.kind = EventKind::kLost;
  event.has_time = true;
  event.time_ns = now.time_ns;
  event.host = host_;
  event.set_integer(field::kBootNs, *now.boot_ns);
  event.set_text(field::kSource, "procfs");
  event.set_text(field::kReason, "polling");
  event.set_text(field::kEventStart, format_rfc3339(now.time_ns));
  event.set_text(field::kEventEnd, format_rfc3339(now.time_ns));
  told_.push_back(std::move(event));
}

void ProcfsSource::give(std::vector<Event>& chunk) {
  const size_t count = std::min(kChunkEvents, told_.size() - given_);
  for (size_t i = 0; i < count; ++i) chunk.push_back(std::move(told_[given_ + i]));
  given_ += count;
  report_.events += count;
}

}  // namespace detectd
