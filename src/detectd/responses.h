// Responses of a daemon that watches: the responder, and what ties it to the configuration, the rules and the source of
// events. Nothing else of detectd includes it, so that no replay comes near a signal.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "src/detectd/config.h"
#include "src/live/collector.h"
#include "src/live/host_processes.h"
#include "src/respond/responder.h"
#include "src/store/hit_store.h"

namespace detectd {

class Responses {
 public:
  struct Options {
    const Config& config;
    std::optional<std::string> database;  // none: nothing is written down, so nothing is done
    bool dry_run = false;                 // --dry-run
    int procfs = -1;                      // root of a procfs, borrowed
    const Engine& engine;                 // outlives it, as the others do
    HitStore* store = nullptr;
    std::shared_ptr<const CaptureHost> host = {};
  };

  // What an earlier run left without an outcome is `unknown` behind this.
  static Result<std::unique_ptr<Responses>> open(Options options,
                                                 const std::shared_ptr<const RuleSet>& rule_set);
  Responses(const Responses&) = delete;
  Responses& operator=(const Responses&) = delete;

  // Holds are taken from there, as long as rules ask for responses. Null: there is none.
  void take_grips_from(Collector* collector);
  void reload(const Config& config, std::shared_ptr<const RuleSet> rules);

  HitResponder& responder() { return *responder_; }
  // For the state: name, value.
  std::vector<std::pair<std::string, uint64_t>> counts() const;
  // "enforce" or "dry-run".
  std::string mode() const;

 private:
  explicit Responses(Options options) : options_(std::move(options)), processes_(options_.procfs) {}
  Responder::Settings settings(const Config& config) const;
  void import(const std::vector<ResponseLog::Intent>& unfinished);
  void ask_for_grips();
  void take_grips(GripRing& ring);

  Options options_;
  HostProcesses processes_;
  RealSignals signals_;
  Collector* collector_ = nullptr;
  GripOn grip_on_ = GripOn::kNothing;
  size_t max_grips_ = 0;
  bool enforces_ = false;
  std::optional<Responder> responder_;
};

// Whether what rules ask for is done. Without a database nothing is on record, so nothing is.
bool is_armed(const Config& config, bool dry_run, bool has_database);

// Whether an active rule asks for more than an alert.
bool has_responses(const RuleSet& rules);

}  // namespace detectd
