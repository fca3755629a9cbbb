#include "src/detectd/host_source.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "src/log.h"
#include "src/sources/exec_probe.h"
#include "src/sources/proc_connector.h"

namespace detectd {
namespace {

Enricher::Options enricher_options(const Config& config) {
  return {.hash = config.is_set("enrich.hash"), .env = config.texts("enrich.env")};
}

// By eBPF, where it is asked for or can be had. Null: none.
Result<std::unique_ptr<ExecRecords>> open_records(const Config& config) {
  const std::string& kind = config.text("source.kind");
  if (kind == "connector") return std::unique_ptr<ExecRecords>();
  auto probe = ExecProbe::load();
  if (probe) return std::unique_ptr<ExecRecords>(*std::move(probe));
  if (kind == "ebpf") return std::move(probe).error();
  log::note(
      "programs are read from /proc, since the kernel does not hand them over; some that end at once will "
      "have no command line: " +
      probe.error().message);
  return std::unique_ptr<ExecRecords>();
}

}  // namespace

bool polls_procfs(const Config& config) { return config.text("source.kind") == "procfs"; }

Error unseen(const Error& error) {
  return {error.code, error.message + "; --source procfs polls /proc instead, and sees less"};
}

Result<std::unique_ptr<HostSource>> HostSource::open(const Config& config,
                                                     std::shared_ptr<const RuleSet> rules,
                                                     const Options& options) {
  std::unique_ptr<HostSource> source(new HostSource(options.captures));
  if (polls_procfs(config)) {
    source->open_polling(config, *rules, options);
  } else if (Status status = source->open_collector(config, *rules, options); !status) {
    return status.error();
  }
  source->read_what_is_asked(std::move(rules));
  return source;
}

Status HostSource::open_collector(const Config& config, const RuleSet& rules, const Options& options) {
  KindSet kinds;
  for (const std::string& name : config.texts("source.events")) kinds.add(*find_event_kind(name));
  auto socket = ProcConnector::open(
      {.receive_buffer_bytes = config.bytes("source.receive_buffer"), .mask = proc_event_mask(kinds)});
  if (!socket) return unseen(socket.error());
  Result<std::unique_ptr<ExecRecords>> records = open_records(config);
  if (!records) return records.error();
  collector_.emplace(*std::move(socket), *std::move(records), options.host,
                     Collector::Options{.procfs = options.procfs,
                                        .max_argv_bytes = config.bytes("enrich.max_argv"),
                                        .heartbeat_ns = config.duration_ns("source.heartbeat"),
                                        .enricher = enricher_options(config),
                                        .receiver = {},
                                        .connections = wants_connections(rules),
                                        .unwatched_since_boot_ns = options.unwatched_since_boot_ns});
  return {};
}

void HostSource::open_polling(const Config& config, const RuleSet& rules, const Options& options) {
  polling_.emplace(options.host, ProcfsSource::Options{.procfs = options.procfs,
                                                       .max_argv_bytes = config.bytes("enrich.max_argv"),
                                                       .enricher = enricher_options(config),
                                                       .connections = wants_connections(rules)});
  std::string text = "polling /proc every " + std::to_string(ProcfsSource::kPeriodNs / 1'000'000) +
                     " ms: processes that begin and end between two looks are not seen, and no exit codes, "
                     "sessions, traces, core dumps or renamed threads at all";
  if (geteuid() != 0)
    text += "; of processes of other users no executable, working directory, streams or connections";
  log::note(text);
}

void HostSource::stop() {
  if (collector_) collector_->stop();
}

LiveSource& HostSource::events() {
  if (polling_) return *polling_;
  return *collector_;
}

// Looking for them costs something, so it is done only for somebody.
bool HostSource::wants_connections(const RuleSet& rules) const {
  const auto has_rules = [&rules](EventKind kind) { return !rules.for_kind(kind).rules.empty(); };
  return captures_ || has_rules(EventKind::kConnectionAttempted) || has_rules(EventKind::kConnectionAccepted);
}

void HostSource::read_all() {
  if (collector_) collector_->read_for(nullptr);
}

void HostSource::read_for(std::shared_ptr<const RuleSet> rules) {
  events().watch_connections(wants_connections(*rules));
  read_what_is_asked(std::move(rules));
}

void HostSource::read_what_is_asked(std::shared_ptr<const RuleSet> rules) {
  if (collector_ && !captures_) collector_->read_for(std::move(rules));
}

HealthSigns HostSource::signs() const {
  HealthSigns signs;
  if (polling_) {
    signs.jumps = polling_->jumps();
    return signs;
  }
  const Collector::Counters counters = collector_->counters();
  signs.jumps = counters.jumps;
  signs.failed_lists = counters.failed_lists;
  signs.list_error = counters.list_error;
  signs.forks = collector_->receiver().counters().forks;
  signs.forged = collector_->receiver().counters().forged;
  signs.priority_losses = collector_->receiver().priority_losses();
  signs.silences = collector_->receiver().counters().silences;
  signs.stuck_ns = collector_->stuck_ns();
  signs.unanswered = counters.enriched.hash.unanswered;
  return signs;
}

}  // namespace detectd
