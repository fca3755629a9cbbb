#include "src/detectctl/status_report.h"

#include <algorithm>

#include "engine/escape.h"
#include "engine/timestamp.h"
#include "src/live/health.h"
#include "src/report/hit_view.h"
#include "src/report/time_zone.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kNameColumns = 11;

std::string row(std::string_view name, const std::string& value) {
  return fit(name, kNameColumns) + value + "\n";
}

std::string since_text(const DaemonStatus& status) {
  return duration_text(std::max<int64_t>(0, status.now_ns - status.started_ns));
}

std::string events_text(const DaemonStatus& status) {
  std::string text = with_separators(status.events) + " judged; " + with_separators(status.lost) + " lost, " +
                     plural(status.gaps, "gap");
  if (status.gaps != 0) text += ", the last " + format_time(status.last_gap_ns, 0);
  if (status.blind_ns != 0) text += "; blind for " + duration_text(status.blind_ns);
  if (status.queue_room != 0) {
    text += "; queue " + with_separators(status.queued) + " of " + with_separators(status.queue_room);
  }
  return text;
}

std::string rules_text(const DaemonStatus& status) {
  std::string text = with_separators(status.rules) + " run";
  if (status.inactive_rules != 0) text += ", " + with_separators(status.inactive_rules) + " inactive";
  return text + "; generation " + std::to_string(status.generation) + " of " +
         format_time(status.loaded_ns, 0) + "; sha256:" + escape_text(status.rules_digest.substr(0, 16));
}

std::string mode_text(const DaemonStatus& status) {
  std::string text = escape_text(status.mode);
  if (!status.mode_by.empty()) text += ", set by " + escape_text(status.mode_by);
  if (status.mode != status.configured_mode) text += "; configured is " + escape_text(status.configured_mode);
  text += "; " + plural(status.responding_rules, "rule");
  return text + (status.responding_rules == 1 ? " responds" : " respond");
}

std::string responses_text(const DaemonStatus& status) {
  return with_separators(status.responses_asked) + " asked for, " + with_separators(status.responses_done) +
         " done, " + with_separators(status.responses_refused) + " refused; budget " +
         escape_text(status.budget_per_rule) + " a rule, " + escape_text(status.budget_total) + " in all";
}

std::string hits_text(const DaemonStatus& status) {
  std::string levels;
  for (auto level = status.hits.rbegin(); level != status.hits.rend(); ++level) {
    if (level->second == 0) continue;
    levels +=
        (levels.empty() ? ": " : ", ") + with_separators(level->second) + " " + escape_text(level->first);
  }
  return with_separators(status.all_hits()) + " since the start" + levels + "; " +
         plural(status.folded, "repeat") + " folded";
}

std::string store_text(const DaemonStatus& status) {
  if (status.database.empty()) return "none (--no-db)";
  std::string text = escape_text(status.database) + ": " + with_separators(status.stored) + " stored";
  if (status.in_spill != 0) text += ", " + with_separators(status.in_spill) + " wait in the spill";
  if (status.in_memory != 0) text += ", " + with_separators(status.in_memory) + " in memory only";
  if (status.dropped != 0) text += ", " + with_separators(status.dropped) + " dropped";
  return text;
}

std::string sink_text(const SinkStatus& sink) {
  std::string text = escape_text(sink.name) + (sink.works ? " works: " : " FAILS: ");
  text += with_separators(sink.delivered) + " delivered, " + with_separators(sink.waiting) + " wait";
  if (sink.dropped != 0) text += ", " + with_separators(sink.dropped) + " given up";
  return text;
}

std::string mute_text(const MuteStatus& mute) {
  return escape_text(mute.rule) + " until " + format_time(mute.until_ns, 0) + ", by " + escape_text(mute.by) +
         ": " + escape_text(mute.reason);
}

// The value of a label.
std::string label(std::string_view text) {
  std::string out;
  for (const char c : escape_text(text)) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
  return "\"" + out + "\"";
}

class Metrics {
 public:
  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "detectd_" + std::string(name);
    text_ +=
        "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + std::string(type) + "\n";
  }
  void sample(uint64_t value, const std::string& labels = {}) { sample(std::to_string(value), labels); }
  void sample(const std::string& value, const std::string& labels) {
    text_ += name_ + (labels.empty() ? "" : "{" + labels + "}") + " " + value + "\n";
  }
  void gauge(std::string_view name, std::string_view help, uint64_t value) {
    begin(name, "gauge", help);
    sample(value);
  }
  void counter(std::string_view name, std::string_view help, uint64_t value) {
    begin(name, "counter", help);
    sample(value);
  }
  void seconds(std::string_view name, std::string_view type, std::string_view help, int64_t time_ns) {
    begin(name, type, help);
    std::string fraction = std::to_string(time_ns % kNanosPerSecond / 1'000'000);
    fraction.insert(0, 3 - std::min<size_t>(3, fraction.size()), '0');
    sample(std::to_string(time_ns / kNanosPerSecond) + "." + fraction, "");
  }
  std::string take() { return std::move(text_); }

 private:
  std::string name_;
  std::string text_;
};

void add_view(const DaemonStatus& status, Metrics& metrics) {
  metrics.counter("events_total", "Events judged.", status.events);
  metrics.counter("lost_events_total", "Events that were lost before they could be judged.", status.lost);
  metrics.counter("gaps_total", "Intervals in which not all was seen.", status.gaps);
  metrics.gauge("blind", "1 while no events come from the kernel.", status.blind ? 1 : 0);
  metrics.seconds("blind_seconds_total", "counter", "How long nothing was seen.", status.blind_ns);
  metrics.gauge("queue_events", "Events that wait to be judged.", status.queued);
  metrics.gauge("queue_capacity_events", "How many can wait.", status.queue_room);
}

void add_rules(const DaemonStatus& status, Metrics& metrics) {
  metrics.gauge("rules", "Rules that run.", status.rules);
  metrics.gauge("rules_inactive", "Rules that can not hold here.", status.inactive_rules);
  metrics.gauge("rules_responding", "Rules that ask for more than an alert.", status.responding_rules);
  metrics.begin("rules_info", "gauge", "Which rules run.");
  metrics.sample(1, "digest=" + label(status.rules_digest));
  metrics.seconds("rules_loaded_timestamp_seconds", "gauge", "When they were loaded.", status.loaded_ns);
  metrics.gauge("reload_failed", "1 where the last reload was refused.", status.reload_error.empty() ? 0 : 1);
  metrics.begin("hits_total", "counter", "Hits since the start, by level.");
  for (const auto& [level, hits] : status.hits) metrics.sample(hits, "level=" + label(level));
  metrics.counter("hits_folded_total", "Repeats that became no hits of their own.", status.folded);
  metrics.gauge("responses_enforced", "1 where responses are carried out, 0 where they are rehearsed.",
                status.mode == "enforce" ? 1 : 0);
  metrics.counter("responses_asked_total", "Responses that rules asked for.", status.responses_asked);
  metrics.counter("responses_done_total", "Of them carried out.", status.responses_done);
  metrics.counter("responses_refused_total", "Of them refused.", status.responses_refused);
}

void add_delivery(const DaemonStatus& status, Metrics& metrics) {
  metrics.counter("stored_hits_total", "Hits that were stored.", status.stored);
  metrics.gauge("spilled_hits", "Hits that wait in the spill for the database.", status.in_spill);
  metrics.gauge("memory_hits", "Hits that neither database nor spill took yet.", status.in_memory);
  metrics.counter("dropped_hits_total", "Hits that could not be kept.", status.dropped);
  metrics.gauge("mutes", "Rules that are muted.", status.mutes.size());
  if (status.sinks.empty()) return;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    metrics.begin(name, type, help);
    for (const SinkStatus& sink : status.sinks) {
      metrics.sample(value(sink), "sink=" + label(sink.name) + ",type=" + label(sink.type));
    }
  };
  each("sink_up", "gauge", "1 where the last delivery worked.",
       [](const SinkStatus& sink) { return uint64_t{sink.works}; });
  each("sink_delivered_total", "counter", "Alerts delivered.",
       [](const SinkStatus& sink) { return sink.delivered; });
  each("sink_waiting", "gauge", "Alerts that wait.", [](const SinkStatus& sink) { return sink.waiting; });
  each("sink_dropped_total", "counter", "Alerts given up.",
       [](const SinkStatus& sink) { return sink.dropped; });
}

}  // namespace

std::string status_text(const DaemonStatus& status) {
  const std::vector<std::string> troubles = status.troubles();
  std::string text =
      row("detectd", escape_text(status.version) + ", pid " + std::to_string(status.pid) + ", up " +
                         since_text(status) + ", " + escape_text(status.source) +
                         (status.scheduling.empty() ? "" : ", " + escape_text(status.scheduling)));
  text += row("state", troubles.empty() ? "ok"
                       : status.blind   ? "BLIND"
                                        : "ok, but " + plural(troubles.size(), "thing") + " to look at");
  text += row("events", events_text(status));
  text += row("rules", rules_text(status));
  text += row("mode", mode_text(status));
  text += row("responses", responses_text(status));
  text += row("hits", hits_text(status));
  text += row("database", store_text(status));
  if (status.sinks.empty()) text += row("alerts", "none are configured");
  for (const SinkStatus& sink : status.sinks) text += row("alerts", sink_text(sink));
  for (const MuteStatus& mute : status.mutes) text += row("muted", mute_text(mute));
  for (const std::string& trouble : troubles) text += row("look at", escape_text(trouble));
  return text;
}

std::string status_metrics(const DaemonStatus& status) {
  Metrics metrics;
  metrics.gauge("up", "1 where the daemon answers.", 1);
  metrics.gauge("troubles", "Things to look at: detectctl status names them.", status.troubles().size());
  metrics.begin("build_info", "gauge", "The version that runs.");
  metrics.sample(1, "version=" + label(status.version));
  metrics.seconds("start_timestamp_seconds", "gauge", "When it began to watch.", status.started_ns);
  add_view(status, metrics);
  add_rules(status, metrics);
  add_delivery(status, metrics);
  return metrics.take();
}

std::string metrics_of_nobody() {
  Metrics metrics;
  metrics.gauge("up", "1 where the daemon answers.", 0);
  return metrics.take();
}

}  // namespace detectd
