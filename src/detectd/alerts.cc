#include "src/detectd/alerts.h"

#include <unistd.h>

#include <random>
#include <utility>

#include "engine/timestamp.h"
#include "src/alerts/command_sink.h"
#include "src/alerts/journal_sink.h"
#include "src/alerts/json_file_sink.h"
#include "src/alerts/secret_file.h"
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

// Of what the configuration names, not of what a receiver says.
std::vector<Error> check_sink(const AlertOptions& options) {
  std::vector<Error> errors;
  const auto add = [&](const Error& error) {
    errors.push_back({error.code, "alerts to " + options.name + ": " + error.message});
  };
  if (!options.ca_file.empty() && access(options.ca_file.c_str(), R_OK) != 0)
    add({Errc::kRules, options.ca_file + " can not be read"});
  if (!options.headers_file.empty()) {
    if (const auto headers = read_headers(options.headers_file); !headers) add(headers.error());
  }
  if (!options.url_file.empty()) {
    if (const auto lines = read_secret_lines(options.url_file); !lines) {
      add(lines.error());
    } else if (lines->size() != 1 || check_webhook_url(lines->front())) {
      add({Errc::kRules, options.url_file + " does not hold one URL that begins with https://"});
    }
  }
  if (options.type != SinkType::kCommand) return errors;
  if (access(options.command.front().c_str(), X_OK) != 0)
    add({Errc::kRules, options.command.front() + " can not be run"});
  if (geteuid() != 0) return errors;
  if (const auto user = find_command_user(options.user); !user) {
    const bool is_missing = user.error().code == Errc::kNotFound;
    add({Errc::kRules,
         user.error().message + (is_missing ? "; create it, or name another with `user`" : "")});
  }
  return errors;
}

}  // namespace

Result<std::unique_ptr<Alerts>> Alerts::open(const Edges& edges) {
  auto options = alert_options(edges.config);
  if (!options) return options.error();
  std::unique_ptr<Alerts> alerts(new Alerts);
  if (options->empty()) return alerts;
  if (!edges.database) {
    log::warning("without a database nobody is told: alerts leave through it");
    return alerts;
  }
  alerts->database_ = edges.database;
  std::vector<std::unique_ptr<Delivery>> deliveries;
  for (const AlertOptions& sink : *options) {
    for (const Error& error : check_sink(sink)) return error;
    alerts->names_.push_back(sink.name);
    alerts->types_.emplace_back(to_string(sink.type));
    auto queue = make_alert_queue({.database = *edges.database,
                                   .sink = sink.name,
                                   .host = edges.host,
                                   .selection = selection_of(sink, edges.config),
                                   .running = [&owner = *alerts] { return owner.running_rules(); }});
    deliveries.push_back(
        std::make_unique<Delivery>(delivery_options(sink), make_sink(sink, edges.host), std::move(queue)));
  }
  alerts->threads_ = std::make_unique<DeliveryThreads>(std::move(deliveries));
  alerts->told_.resize(alerts->names_.size());
  return alerts;
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
  if (threads_) threads_->start();
}

void Alerts::wake() {
  if (threads_) threads_->wake();
}

void Alerts::reopen() {
  if (threads_) threads_->reopen();
}

void Alerts::stop() {
  if (threads_) threads_->stop(kDrainNs);
}

void Alerts::tell_at_once(Level level, const std::string& text) {
  if (threads_) threads_->add_notice(level, text);
}

std::vector<Delivery::Status> Alerts::status() const {
  return threads_ ? threads_->status() : std::vector<Delivery::Status>();
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
                   .error = state.failure});
  }
  return all;
}

std::vector<HealthReport> Alerts::take_reports(int64_t now_ns) {
  std::vector<HealthReport> reports;
  const std::vector<Delivery::Status> all = status();
  for (size_t i = 0; i < all.size(); ++i) {
    const SinkState& state = all[i].state;
    const bool failing =
        all[i].failing && state.failing_since_ns && now_ns - *state.failing_since_ns >= kFailingIsNewsNs;
    if (failing && !told_[i].failing) {
      reports.push_back({.reason = "alerts_wait",
                         .message = "alerts to " + all[i].name + " do not arrive: " + state.failure});
    }
    told_[i].failing = failing;
    const uint64_t lost = state.expired + state.refused;
    // While it fails there may be more soon.
    if (lost > told_[i].lost && told_[i].lost != 0 && all[i].failing) continue;
    if (lost > told_[i].lost) {
      reports.push_back({.reason = "alerts_lost",
                         .message = "of alerts to " + all[i].name + " " + plural(lost, "hit") +
                                    " so far were too old or refused; they are in the database"});
    }
    told_[i].lost = std::max(told_[i].lost, lost);
  }
  return reports;
}

std::vector<Error> check_alerts(const Config& config) {
  const auto options = alert_options(config);
  if (!options) return {options.error()};
  std::vector<Error> errors;
  for (const AlertOptions& sink : *options) {
    for (Error& error : check_sink(sink)) errors.push_back(std::move(error));
  }
  return errors;
}

}  // namespace detectd
