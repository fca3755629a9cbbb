#include "src/detectd/alerts.h"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <utility>

#include "engine/timestamp.h"
#include "src/alerts/command_sink.h"
#include "src/alerts/journal_sink.h"
#include "src/alerts/json_file_sink.h"
#include "src/alerts/socket_sink.h"
#include "src/alerts/syslog_sink.h"
#include "src/alerts/webhook_sink.h"
#include "src/clock.h"
#include "src/detectd/alert_options.h"
#include "src/detectd/alert_queue.h"
#include "src/log.h"
#include "src/respond/rate.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr int64_t kDrainNs = 3 * kNanosPerSecond;
constexpr int64_t kFailingIsNewsNs = 60 * kNanosPerSecond;

std::optional<CommandUser> user_of(const AlertOptions& options) {
  if (geteuid() != 0) return std::nullopt;
  const auto user = find_command_user(options.user);
  return user ? std::optional(*user) : std::nullopt;
}

SyslogOptions syslog_options(const AlertOptions& options, const std::string& host) {
  SyslogOptions syslog{.path = options.path,
                       .ca_file = options.ca_file,
                       .origin = {.host = host, .pid = getpid()},
                       .timeout_ns = options.timeout_ns};
  if (const auto url = parse_syslog_url(options.url)) {
    syslog.way = url->tls ? SyslogOptions::Way::kTls : SyslogOptions::Way::kTcp;
    syslog.address = {.host = url->host, .port = url->port};
  }
  return syslog;
}

std::unique_ptr<Sink> make_sink(const AlertOptions& options, const std::string& host) {
  switch (options.type) {
    case SinkType::kJournal:
      return make_journal_sink({.path = options.path, .timeout_ns = options.timeout_ns});
    case SinkType::kSyslog: return make_syslog_sink(syslog_options(options, host));
    case SinkType::kJsonFile:
      return make_json_file_sink({.path = options.path, .max_bytes = options.max_bytes});
    case SinkType::kWebhook:
      return make_webhook_sink({.url = options.url,
                                .url_file = options.url_file,
                                .headers_file = options.headers_file,
                                .body = find_body_format(options.body).value_or(BodyFormat::kJson),
                                .ca_file = options.ca_file,
                                .timeout_ns = options.timeout_ns});
    case SinkType::kCommand:
      return make_command_sink(
          {.command = options.command, .user = user_of(options), .timeout_ns = options.timeout_ns});
    case SinkType::kUnixSocket:
      return make_socket_sink({.path = options.path, .timeout_ns = options.timeout_ns});
  }
  return nullptr;
}

DeliveryOptions delivery_options(const AlertOptions& options) {
  DeliveryOptions delivery;
  delivery.name = options.name;
  delivery.retry_for_ns = options.retry_for_ns;
  if (const auto rate = parse_rate(options.rate))
    delivery.rate = {.count = rate->count, .period_ns = rate->period_ns};
  if (options.every_ns)
    delivery.digest = Schedule::Options{.every_ns = *options.every_ns, .at_minute = options.at_minute};
  if (options.heartbeat_ns) delivery.heartbeat = Schedule::Options{.every_ns = *options.heartbeat_ns};
  delivery.seed = std::random_device()();
  delivery.tell = [](bool is_problem, const std::string& text) {
    if (is_problem) {
      log::warning(text);
    } else {
      log::note(text);
    }
  };
  return delivery;
}

AlertSelection selection_of(const AlertOptions& options, const Config& config) {
  AlertSelection selection{
      .level = options.level, .tags = options.tags, .rules = options.rules, .silent_rules = {}};
  for (const char* const what : {"lost", "blind"}) {
    if (config.text(std::string("on.") + what) == "log")
      selection.silent_rules.push_back(std::string("detectd.") + what);
  }
  return selection;
}

}  // namespace

Alerts::Alerts(const Edges& edges) : database_(edges.database), host_(edges.host) {}

std::unique_ptr<Alerts> Alerts::open(const Edges& edges) {
  std::unique_ptr<Alerts> alerts(new Alerts(edges));
  if (!edges.database && !edges.config.alerts.empty())
    log::warning("without a database nobody is told: alerts leave through it");
  alerts->threads_ = alerts->make_threads(edges.config);
  return alerts;
}

std::shared_ptr<DeliveryThreads> Alerts::make_threads(const Config& config) {
  names_.clear();
  types_.clear();
  if (!database_) return nullptr;
  std::vector<std::unique_ptr<Delivery>> deliveries;
  for (const AlertOptions& sink : alert_options(config)) {
    names_.push_back(sink.name);
    types_.emplace_back(to_string(sink.type));
    auto queue = make_alert_queue({.database = *database_,
                                   .sink = sink.name,
                                   .host = host_,
                                   .selection = selection_of(sink, config),
                                   .running = [this] { return running_rules(); }});
    deliveries.push_back(
        std::make_unique<Delivery>(delivery_options(sink), make_sink(sink, host_), std::move(queue)));
  }
  return std::make_shared<DeliveryThreads>(std::move(deliveries));
}

void Alerts::change(const Config& config) {
  std::shared_ptr<DeliveryThreads> after = make_threads(config);
  if (!after) return;
  after->start_behind(threads());
  const std::lock_guard lock(mutex_);
  threads_ = std::move(after);
}

std::shared_ptr<DeliveryThreads> Alerts::threads() const {
  const std::lock_guard lock(mutex_);
  return threads_;
}

void Alerts::use_rules(const RuleSet& rules) {
  std::vector<Outbox::NamedRule> running;
  const auto add = [&running](const Rule& rule) {
    if (!rule.name.starts_with("detectd."))
      running.push_back({rule.id, rule.name.empty() ? rule.title : rule.name});
  };
  for (const CompiledRule& rule : rules.rules()) add(*rule.rule);
  for (const CompiledCorrelation& correlation : rules.correlations()) add(*correlation.rule);
  const std::lock_guard lock(mutex_);
  running_ = std::move(running);
}

std::vector<Outbox::NamedRule> Alerts::running_rules() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void Alerts::start() {
  if (const auto threads = this->threads()) threads->start();
}

void Alerts::wake() {
  if (const auto threads = this->threads()) threads->wake();
}

void Alerts::reopen() {
  if (const auto threads = this->threads()) threads->reopen();
}

void Alerts::stop() {
  if (const auto threads = this->threads()) threads->stop(kDrainNs);
}

void Alerts::tell_at_once(Level level, const std::string& text) {
  if (const auto threads = this->threads()) threads->add_notice(level, text);
}

std::vector<Delivery::Status> Alerts::status() const {
  const auto threads = this->threads();
  return threads ? threads->status() : std::vector<Delivery::Status>();
}

std::vector<SinkStatus> Alerts::sink_status() const {
  std::vector<SinkStatus> all;
  if (!database_) return all;
  Outbox outbox(*database_);
  const std::vector<Delivery::Status> deliveries = status();
  for (size_t i = 0; i < deliveries.size(); ++i) {
    const SinkState& state = deliveries[i].state;
    // Of what waits some may be below its level: nobody has looked yet.
    const Result<uint64_t> waiting = outbox.behind(state.settled_n);
    all.push_back({.name = deliveries[i].name,
                   .type = types_[i],
                   .works = !deliveries[i].failing,
                   .delivered = state.delivered,
                   .waiting = waiting && !deliveries[i].sends_digests ? *waiting : 0,
                   .dropped = state.expired + state.refused,
                   .error = state.failure,
                   .digests = deliveries[i].sends_digests,
                   .selftest = deliveries[i].selftest});
  }
  return all;
}

std::vector<HealthReport> Alerts::take_reports(int64_t now_ns) {
  std::vector<HealthReport> reports;
  for (const Delivery::Status& sink : status()) {
    const SinkState& state = sink.state;
    Told& told = told_[sink.name];
    const bool failing =
        sink.failing && state.failing_since_ns && now_ns - *state.failing_since_ns >= kFailingIsNewsNs;
    if (failing && !told.failing) {
      reports.push_back({.reason = "alerts_wait",
                         .message = "alerts to " + sink.name + " do not arrive: " + state.failure});
    }
    told.failing = failing;
    const uint64_t lost = state.expired + state.refused;
    // While it fails there may be more soon.
    if (lost > told.lost && told.lost != 0 && sink.failing) continue;
    if (lost > told.lost) {
      reports.push_back({.reason = "alerts_lost",
                         .message = "of alerts to " + sink.name + " " + plural(lost, "hit") +
                                    " so far were too old or refused; they are in the database"});
    }
    told.lost = std::max(told.lost, lost);
  }
  return reports;
}

}  // namespace detectd
