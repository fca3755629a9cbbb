// The events of this host while a daemon watches it: from the kernel or, where that is asked for, from polling /proc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/detectd/config.h"
#include "src/live/collector.h"
#include "src/live/health.h"
#include "src/live/procfs_source.h"

namespace detectd {

// Whether `source.kind` asks for polling; it is never chosen by itself: who asked to see everything must know when that
// can not be.
bool polls_procfs(const Config& config);
// What there is to say where watching can not be done, with what can be done instead.
Error unseen(const Error& error);

class HostSource {
 public:
  struct Options {
    std::shared_ptr<const CaptureHost> host;
    int procfs = -1;        // root of a procfs, borrowed
    bool captures = false;  // what comes is kept for rules that nobody knows yet
    // As Collector::Options has it.
    std::optional<int64_t> unwatched_since_boot_ns = std::nullopt;
  };

  // Nothing is collected before start(). What was chosen, and what it can not see, is logged.
  static Result<std::unique_ptr<HostSource>> open(const Config& config, std::shared_ptr<const RuleSet> rules,
                                                  const Options& options);
  Status start() { return collector_ ? collector_->start() : Status{}; }
  void stop();

  LiveSource& events();
  // One of them is null.
  Collector* collector() { return collector_ ? &*collector_ : nullptr; }
  const Collector* collector() const { return collector_ ? &*collector_ : nullptr; }
  const ProcfsSource* polling() const { return polling_ ? &*polling_ : nullptr; }

  // From now on everything is read, whatever the rules ask for.
  void read_all();
  // What costs much is read and looked for as these rules need it; as open() had it at first.
  void read_for(std::shared_ptr<const RuleSet> rules);

  // Of the source alone.
  HealthSigns signs() const;
  // Whether events come, as far as can be known, and are on their way to whoever judges.
  bool gets_on() const {
    return !collector_ ||
           (!collector_->heartbeat().blind() && collector_->stuck_ns() < HealthWatch::kStuckNs);
  }

 private:
  explicit HostSource(bool captures) : captures_(captures) {}
  Status open_collector(const Config& config, const RuleSet& rules, const Options& options);
  void open_polling(const Config& config, const RuleSet& rules, const Options& options);
  bool wants_connections(const RuleSet& rules) const;
  void read_what_is_asked(std::shared_ptr<const RuleSet> rules);

  bool captures_;
  std::optional<Collector> collector_;
  std::optional<ProcfsSource> polling_;
};

}  // namespace detectd
