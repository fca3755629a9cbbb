// How a running daemon fares: for USR1 and --stats.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "src/control/daemon_status.h"
#include "src/detectd/config.h"
#include "src/detectd/load_rules.h"
#include "src/live/collector.h"
#include "src/live/procfs_source.h"
#include "src/report/report.h"
#include "src/store/hit_store.h"
#include "src/turn_times.h"

namespace detectd {

struct WatchState {
  std::string scheduling;  // of the receive thread; empty where there is none
  bool blind = false;
  std::string responses;                                 // `enforce`, `dry-run`
  std::vector<std::pair<std::string, uint64_t>> counts;  // name, value
};

WatchState collect_state(const Collector& collector, const Engine& engine, const Summary& summary);
WatchState collect_state(const ProcfsSource& polling, const Engine& engine, const Summary& summary);
// How long judging took, commits included.
void append_turns(const TurnTimes& times, WatchState& state);
// What detectctl is told of it; the daemon adds what only it knows: since when, and who changed what.
struct WatchStatusParts {
  const WatchState& state;
  const Summary& summary;
  const LoadedRules& rules;
  const Config& config;
  const Collector* collector = nullptr;
  const HitStore* store = nullptr;
};
DaemonStatus status_of(const WatchStatusParts& parts);
// A line each, laid out.
std::string state_text(const WatchState& state);
// The members of a JSON object: `"type":"state","blind":false,...`.
std::string state_members(const WatchState& state);

}  // namespace detectd
