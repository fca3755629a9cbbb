// What waits for a sink, out of the database: stored hits become alerts here.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/alerts/delivery.h"
#include "src/detectd/alert_options.h"
#include "src/store/outbox.h"

namespace detectd {

// Which hits a sink is told.
struct AlertSelection {
  Level level = Level::kInformational;
  std::vector<std::string> tags, rules;   // none: all
  std::vector<std::string> silent_rules;  // names of rules that [on] only logs

  bool has(const RuleRecord& rule) const;
};

struct AlertQueueOptions {
  std::string database;
  std::string sink;
  std::string host;
  AlertSelection selection;
  // The rules that run now, for a digest; called on the sink's thread.
  std::function<std::vector<Outbox::NamedRule>()> running;
};
std::unique_ptr<AlertQueue> make_alert_queue(AlertQueueOptions options);

Alert to_alert(const StoredHit& hit);

}  // namespace detectd
