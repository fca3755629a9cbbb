#include "bench/replay_cost.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <optional>
#include <utility>
#include <vector>

#include "engine/diagnostic.h"
#include "engine/rule_parser.h"
#include "src/fd.h"
#include "src/pipeline.h"
#include "src/sources/prefetch.h"
#include "src/sources/replay.h"
#include "src/store/spill_file.h"

namespace detectd::bench {
namespace {

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

class NoReport final : public Report {
 public:
  void show_hits(std::span<const Hit>) override {}
  void show_loss(const Event&) override {}
  void show_summary(const Summary&) override {}
};

void remove_database(const std::string& path) {
  for (const std::string& name : {path, path + "-wal", path + "-shm", spill_path_of(path)}) {
    unlink(name.c_str());
  }
}

Error first_of(const Diagnostics& diagnostics) {
  return {Errc::kInput, diagnostics.all().empty() ? "nothing was said" : diagnostics.all().front().message};
}

Result<ReplayCost> replay(const ReplayRun& run, const std::shared_ptr<const RuleSet>& rules) {
  const bool ahead = run.threads > 1;
  WorkerPool workers(run.threads, ahead ? 2 : 1);
  Diagnostics diagnostics;
  auto source = ReplaySource::open({.paths = {run.capture},
                                    .skip_bad = run.skip_bad,
                                    .chunk_events = kChunkEventsPerThread * workers.size()},
                                   rules->schema(), workers, diagnostics);
  if (!source) return std::move(source).error();
  Engine engine(rules, {});
  auto store = HitStore::open({.path = run.database,
                               .spill = {},
                               .redact = {R"((?i)password=\S+)"},
                               .tell = {},
                               .workers = &workers});
  if (!store) return std::move(store).error();
  const auto name_of_file = [&source](uint32_t file) -> const std::string& { return (*source)->path(file); };
  if (Status begun = (*store)->begin_run({.start = {}, .rules = *rules, .name_of_file = name_of_file});
      !begun) {
    return std::move(begun).error();
  }
  // A database is made once, and hits are recorded in it every day.
  const double cpu_s = cpu_seconds(), wall_s = wall_seconds();
  std::optional<Prefetch> prefetch;
  if (ahead) prefetch.emplace(**source, workers);
  const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  Output output(null);
  NoReport report;
  Pipeline pipeline(engine,
                    {.source = prefetch ? static_cast<EventSource&>(*prefetch) : **source,
                     .report = report,
                     .output = output,
                     .workers = workers,
                     .store = store->get()},
                    {});
  const Ending ending = pipeline.run();
  if (prefetch) prefetch->close();
  const Status stored = (*store)->end_run({.ending = std::string(to_string(ending)), .hits_digest = {}});
  store->reset();
  close(null);
  if (ending != Ending::kEndOfStream) return pipeline.error().value_or(first_of(diagnostics));
  if (!stored) return stored.error();
  const Summary summary = pipeline.summary();
  return ReplayCost{.cpu_s = cpu_seconds() - cpu_s,
                    .wall_s = wall_seconds() - wall_s,
                    .events = summary.events,
                    .hits = summary.hits};
}

// In a process of its own: in one that ever had a second thread the C library counts references and allocates with locks,
// and what one thread costs would be what it costs behind others.
struct Started {
  pid_t child = -1;
  Fd told;  // where it writes the cost
};

Result<Started> start(const ReplayRun& run, const std::shared_ptr<const RuleSet>& rules) {
  remove_database(run.database);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::kSystem, "can not make a pipe"};
  Started started{.child = -1, .told = Fd(ends[0])};
  const Fd to(ends[1]);
  started.child = fork();
  if (started.child < 0) return Error{Errc::kSystem, "can not start a process"};
  if (started.child == 0) {
    const Result<ReplayCost> cost = replay(run, rules);
    if (!cost)
      std::fprintf(stderr, "detectd-bench: %s: %s\n", run.capture.c_str(), cost.error().message.c_str());
    const bool told = cost && write(to.number(), &*cost, sizeof *cost) == sizeof *cost;
    _exit(told ? 0 : 1);
  }
  return started;
}

Result<ReplayCost> await(const Started& started, const ReplayRun& run) {
  ReplayCost cost;
  const bool told = read(started.told.number(), &cost, sizeof cost) == sizeof cost;
  int status = 0;
  while (waitpid(started.child, &status, 0) < 0 && errno == EINTR) {
  }
  remove_database(run.database);
  if (!told) return Error{Errc::kSystem, "a replay of " + run.capture + " failed"};
  return cost;
}

}  // namespace

double cpu_seconds() { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
double wall_seconds() { return seconds(CLOCK_MONOTONIC); }

Result<ReplayCost> measure_replay(const ReplayRun& run, const std::shared_ptr<const RuleSet>& rules) {
  const Result<Started> started = start(run, rules);
  if (!started) return started.error();
  return await(*started, run);
}

Result<double> measure_beside(std::span<const ReplayRun> runs, const std::shared_ptr<const RuleSet>& rules) {
  std::vector<Started> all;
  for (const ReplayRun& run : runs) {
    Result<Started> started = start(run, rules);
    if (!started) return started.error();
    all.push_back(*std::move(started));
  }
  double longest_s = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const Result<ReplayCost> cost = await(all[i], runs[i]);
    if (!cost) return cost.error();
    longest_s = std::max(longest_s, cost->wall_s);
  }
  return longest_s;
}

Result<std::shared_ptr<const RuleSet>> load_rules(const std::string& toml) {
  RuleDocument document;
  Diagnostics diagnostics;
  parse_rules(std::make_shared<const SourceFile>(SourceFile{"bench.toml", toml}), document, diagnostics);
  check_document(document, diagnostics);
  if (diagnostics.errors() != 0) return first_of(diagnostics);
  std::shared_ptr<const RuleSet> rules = RuleSet::compile(document, diagnostics);
  if (diagnostics.errors() != 0) return first_of(diagnostics);
  return rules;
}

}  // namespace detectd::bench
