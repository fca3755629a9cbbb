#include "src/detectd/watch_state.h"

#include <algorithm>
#include <iterator>

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
                  {"execs overtaken by the next", received.superseded.load()},
                  {"command lines skipped", received.images_skipped.load()},
                  {"longest backlog", received.longest_backlog.load()},
                  {"execs that had ended", enriched.ended},
                  {"executables not to be trusted", enriched.not_trusted},
                  {"processes at the start", collected.snapshot_processes},
                  {"looks at all processes", collected.rescans},
                  {"looks at all processes that failed", collected.failed_lists},
                  {"arguments read again", collected.arguments.compared},
                  {"arguments that had changed", collected.arguments.changed},
                  {"arguments not read again", collected.arguments.skipped},
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
