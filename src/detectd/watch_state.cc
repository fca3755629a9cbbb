#include "src/detectd/watch_state.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "engine/digest.h"
#include "src/clock.h"
#include "src/detectd/operation.h"
#include "src/report/hit_view.h"

namespace detectd {
namespace {

void append_judged(const Engine& engine, const Summary& summary, WatchState& state) {
  const Engine::Counters judged = engine.counters();
  const std::pair<std::string, uint64_t> counts[] = {
      {"events judged", summary.events},
      {"hits", summary.hits},
      {"repeats folded", summary.folded},
      {"processes kept", judged.processes.processes},
      {"running processes forgotten", judged.processes.evicted_live},
      {"correlation groups forgotten", summary.evicted_groups}};
  state.counts.insert(state.counts.end(), std::begin(counts), std::end(counts));
}

void append_checks(const ExecChecks& checks, WatchState& state) {
  const ExecChecks::Counters& judged = checks.counters();
  const GuardCounters& guard = checks.guard();
  const std::pair<std::string, uint64_t> counts[] = {
      {"execs told of before", guard.execs.load()},
      {"execs spared", guard.spared.load()},
      {"execs judged before", judged.judged.load()},
      {"execs denied", judged.denied.load()},
      {"execs a rule would deny", judged.refused.load()},
      {"execs denied too late", judged.too_late.load()},
      {"execs whose time was up", guard.expired.load()},
      {"execs nobody was asked about", guard.not_asked.load()},
      {"longest wait of an exec in us", judged.slowest_us.load()}};
  state.counts.insert(state.counts.end(), std::begin(counts), std::end(counts));
}

uint64_t count_of(const WatchState& state, std::string_view name) {
  const auto found = std::find_if(state.counts.begin(), state.counts.end(),
                                  [name](const auto& count) { return count.first == name; });
  return found == state.counts.end() ? 0 : found->second;
}

}  // namespace

WatchState collect_state(const Collector& collector, const Engine& engine, const Summary& summary) {
  WatchState state;
  state.scheduling = to_string(collector.receiver().scheduling());
  state.blind = collector.heartbeat().blind();
  const Receiver::Counters& received = collector.receiver().counters();
  const Collector::Counters collected = collector.counters();
  const Enricher::Counters& enriched = collected.enriched;
  const ConnectionPoller::Counters& connected = collected.connections;
  state.counts = {{"events from the kernel", received.events.load()},
                  {"events lost by the kernel", received.lost.load()},
                  {"events lost by our queue", received.queue_lost.load()},
                  {"forged messages", received.forged.load()},
                  {"forks", received.forks.load()},
                  {"execs", received.execs.load()},
                  {"execs with a command line", received.images_read.load()},
                  {"execs told by eBPF", received.images_told.load()},
                  {"times eBPF fell silent", received.silences.load()},
                  {"records of eBPF lost", received.told_dropped.load()},
                  {"execs overtaken by the next", received.superseded.load()},
                  {"command lines skipped", received.images_skipped.load()},
                  {"longest backlog", received.longest_backlog.load()},
                  {"execs that had ended", enriched.ended},
                  {"executables not to be trusted", enriched.not_trusted},
                  {"executables not read in time", enriched.hash.unanswered},
                  {"processes at the start", collected.snapshot_processes},
                  {"looks at all processes", collected.rescans},
                  {"looks at all processes that failed", collected.failed_lists},
                  {"programs looked at again", collected.programs.compared},
                  {"arguments that had changed", collected.programs.changed},
                  {"executables that had changed", collected.programs.renamed},
                  {"programs not looked at again", collected.programs.skipped},
                  {"clock settings", collected.jumps.sets},
                  {"losses of real time", collector.receiver().priority_losses()},
                  {"looks at all sockets", connected.looks},
                  {"looks at all sockets that failed", connected.failed_looks},
                  {"sockets left out", connected.sockets_left_out},
                  {"connections", connected.attempted + connected.accepted},
                  {"connections without a process", connected.without_process},
                  {"searches for sockets cut short", connected.owners.cut},
                  {"heartbeats", collector.heartbeat().heard()}};
  if (const ExecChecks* const checks = collector.exec_checks()) append_checks(*checks, state);
  append_judged(engine, summary, state);
  return state;
}

WatchState collect_state(const ProcfsSource& polling, const Engine& engine, const Summary& summary) {
  WatchState state;
  state.counts = {{"looks at all processes", polling.counters().looks},
                  {"processes at the last look", polling.counters().processes},
                  {"clock settings", polling.jumps().sets},
                  {"connections", polling.connections().attempted + polling.connections().accepted}};
  append_judged(engine, summary, state);
  return state;
}

void append_turns(const TurnTimes& times, WatchState& state) {
  const auto us = [](int64_t ns) { return static_cast<uint64_t>(ns / 1000); };
  state.counts.emplace_back("turns of judging", times.turns());
  state.counts.emplace_back("half of turns within us", us(times.within_ns(0.5)));
  state.counts.emplace_back("99 % of turns within us", us(times.within_ns(0.99)));
  state.counts.emplace_back("longest turn in us", us(times.longest_ns()));
}

DaemonStatus status_of(const WatchStatusParts& parts) {
  const Summary& summary = parts.summary;
  DaemonStatus status;
  status.version = DETECTD_VERSION;
  status.pid = getpid();
  status.now_ns = wall_clock_ns();
  status.source = parts.collector == nullptr ? "procfs" : parts.collector->is_told() ? "ebpf" : "connector";
  status.scheduling = parts.state.scheduling;
  status.blind = parts.state.blind;
  status.events = summary.events;
  status.lost = summary.lost;
  status.gaps = summary.gaps;
  if (parts.collector != nullptr) {
    status.queued = parts.collector->receiver().queued();
    status.queue_room = Receiver::Options().queue_events;
  }
  status.mode = parts.state.responses;
  status.rules = parts.rules.running;
  status.inactive_rules = parts.rules.set->inactive().size();
  status.responding_rules = count_responding(*parts.rules.set);
  status.rules_digest = hex(parts.rules.set->digest());
  for (size_t i = 0; i < kLevelCount; ++i) {
    status.hits.emplace_back(to_string(Level(i)), summary.levels[i].hits);
  }
  status.folded = summary.folded;
  status.responses_asked = count_of(parts.state, "responses asked for");
  status.responses_done = count_of(parts.state, "responses signalled");
  status.responses_refused = count_of(parts.state, "responses refused");
  status.budget_per_rule = parts.config.text("response.per_rule");
  status.budget_total = parts.config.text("response.total");
  if (parts.store != nullptr) {
    const HitStore::Counters stored = parts.store->counters();
    status.stored = stored.stored;
    status.in_spill = stored.waiting;
    status.in_memory = stored.in_memory;
    status.dropped = stored.dropped;
  }
  status.counts = parts.state.counts;
  return status;
}

std::string state_text(const WatchState& state) {
  size_t columns = 0;
  for (const auto& [name, value] : state.counts) columns = std::max(columns, name.size());
  const auto row = [columns](const std::string& name, const std::string& value) {
    return name + std::string(columns + 2 - std::min(columns, name.size()), ' ') + value + "\n";
  };
  std::string text = row("state", state.blind ? "BLIND: no events come" : "watching");
  if (!state.scheduling.empty()) text += row("receive thread", state.scheduling);
  if (!state.responses.empty()) text += row("responses", state.responses);
  for (const auto& [name, value] : state.counts) text += row(name, with_separators(value));
  return text;
}

// All names and values are ours, and need no escaping.
std::string state_members(const WatchState& state) {
  std::string text = R"("type":"state","blind":)";
  text += state.blind ? "true" : "false";
  if (!state.scheduling.empty()) text += R"(,"receive_thread":")" + state.scheduling + '"';
  if (!state.responses.empty()) text += R"(,"responses":")" + state.responses + '"';
  for (const auto& [name, value] : state.counts) {
    std::string key = name;
    std::replace(key.begin(), key.end(), ' ', '_');
    text += ",\"" + key + "\":" + std::to_string(value);
  }
  return text;
}

}  // namespace detectd
