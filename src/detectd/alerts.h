// Alerts of a daemon: what the configuration says of sinks, made into threads that tell them (src/alerts), out of the
// database of hits (src/store/outbox).
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/rule_set.h"
#include "src/alerts/delivery_threads.h"
#include "src/control/daemon_status.h"
#include "src/detectd/config.h"
#include "src/live/health.h"
#include "src/store/outbox.h"

namespace detectd {

class Alerts {
 public:
  struct Edges {
    const Config& config;
    std::optional<std::string> database;  // none: nobody is told, which is said
    std::string host;
  };
  // Opens nothing yet. Of a configuration in which check_alerts() finds no mistake.
  static std::unique_ptr<Alerts> open(const Edges& edges);
  Alerts(const Alerts&) = delete;
  Alerts& operator=(const Alerts&) = delete;

  // For HitStore::Options::sinks.
  const std::vector<std::string>& sinks() const { return names_; }
  // That rules these may hit from now on, for digests. Before start(), and at a reload.
  void use_rules(const RuleSet& rules);
  // Once the database is there.
  void start();
  // What `config` says of sinks holds from now on. Those of before tell what is on its way; what was told is known by a
  // sink's name. Waits for nobody.
  void change(const Config& config);
  // There are new hits; from any thread.
  void wake();
  // For files that were moved.
  void reopen();
  // At the end: what waits is told where a receiver answers, for some seconds.
  void stop();
  // Told at once, whatever the database does.
  void tell_at_once(Level level, const std::string& text);

  std::vector<Delivery::Status> status() const;
  // The same for who asks how the daemon fares, with what waits at most.
  std::vector<SinkStatus> sink_status() const;
  // What is new about sinks and should be a hit: one that fails for a minute, hits that were not told. Now and then.
  std::vector<HealthReport> take_reports(int64_t now_ns);

 private:
  explicit Alerts(const Edges& edges);
  std::vector<Outbox::NamedRule> running_rules() const;
  std::shared_ptr<DeliveryThreads> make_threads(const Config& config);
  std::shared_ptr<DeliveryThreads> threads() const;

  struct Told {
    bool failing = false;
    uint64_t lost = 0;
  };
  std::vector<std::string> names_;
  std::vector<std::string> types_;  // as names_
  std::optional<std::string> database_;
  std::string host_;
  std::map<std::string, Told> told_;  // by sink
  mutable std::mutex mutex_;
  std::shared_ptr<DeliveryThreads> threads_;  // null: nobody is told
  std::vector<Outbox::NamedRule> running_;
};

}  // namespace detectd
