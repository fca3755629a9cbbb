#include "src/control/daemon_status.h"

#include <concepts>

#include "engine/json_writer.h"
#include "engine/timestamp.h"
#include "src/control/protocol.h"
#include "src/text.h"

namespace detectd {
namespace {

// The members of each struct once, for both directions.
template <class Visitor>
void visit(Visitor&& visitor, auto& s) requires requires {
  s.delivered;
}
{
  visitor("name", s.name);
  visitor("type", s.type);
  visitor("works", s.works);
  visitor("delivered", s.delivered);
  visitor("waiting", s.waiting);
  visitor("dropped", s.dropped);
  visitor("error", s.error);
  visitor("digests", s.digests);
  visitor("selftest", s.selftest);
}

template <class Visitor>
void visit(Visitor&& visitor, auto& s) requires requires {
  s.until_ns;
}
{
  visitor("rule", s.rule);
  visitor("until_ns", s.until_ns);
  visitor("reason", s.reason);
  visitor("by", s.by);
}

template <class Visitor>
void visit(Visitor&& visitor, auto& s) requires requires {
  s.rules_digest;
}
{
  visitor("daemon", s.version);
  visitor("pid", s.pid);
  visitor("now_ns", s.now_ns);
  visitor("started_ns", s.started_ns);
  visitor("source", s.source);
  visitor("scheduling", s.scheduling);
  visitor("blind", s.blind);
  visitor("blind_ns", s.blind_ns);
  visitor("events", s.events);
  visitor("lost", s.lost);
  visitor("gaps", s.gaps);
  visitor("last_gap_ns", s.last_gap_ns);
  visitor("queued", s.queued);
  visitor("queue_room", s.queue_room);
  visitor("mode", s.mode);
  visitor("configured_mode", s.configured_mode);
  visitor("mode_by", s.mode_by);
  visitor("rules", s.rules);
  visitor("inactive_rules", s.inactive_rules);
  visitor("responding_rules", s.responding_rules);
  visitor("rules_digest", s.rules_digest);
  visitor("generation", s.generation);
  visitor("loaded_ns", s.loaded_ns);
  visitor("reload_error", s.reload_error);
  visitor("hits", s.hits);
  visitor("folded", s.folded);
  visitor("responses_asked", s.responses_asked);
  visitor("responses_done", s.responses_done);
  visitor("responses_refused", s.responses_refused);
  visitor("budget_per_rule", s.budget_per_rule);
  visitor("budget_total", s.budget_total);
  visitor("database", s.database);
  visitor("stored", s.stored);
  visitor("in_spill", s.in_spill);
  visitor("in_memory", s.in_memory);
  visitor("dropped", s.dropped);
  visitor("sinks", s.sinks);
  visitor("mutes", s.mutes);
  visitor("counts", s.counts);
}

using Counts = std::vector<std::pair<std::string, uint64_t>>;

class Writer {
 public:
  explicit Writer(JsonWriter& json) : json_(json) {}

  void operator()(std::string_view name, const std::string& text) { json_.member(name, text); }
  void operator()(std::string_view name, bool truth) { json_.member_boolean(name, truth); }
  void operator()(std::string_view name, std::integral auto number) {
    json_.member_number(name, static_cast<int64_t>(number));
  }
  void operator()(std::string_view name, const Counts& counts) {
    json_.key(name);
    json_.begin_object();
    for (const auto& [key, number] : counts) json_.member_number(key, static_cast<int64_t>(number));
    json_.end_object();
  }
  template <class Part>
  void operator()(std::string_view name, const std::vector<Part>& parts) {
    json_.key(name);
    json_.begin_array();
    for (const Part& part : parts) {
      json_.begin_object();
      visit(*this, part);
      json_.end_object();
    }
    json_.end_array();
  }

 private:
  JsonWriter& json_;
};

class Reader {
 public:
  explicit Reader(const JsonValue& object) : object_(object) {}

  void operator()(std::string_view name, std::string& text) { text = object_.text_of(name, text); }
  void operator()(std::string_view name, bool& truth) { truth = object_.boolean_of(name, truth); }
  template <std::integral Number>
  void operator()(std::string_view name, Number& number) {
    number = static_cast<Number>(object_.number_of(name, static_cast<int64_t>(number)));
  }
  void operator()(std::string_view name, Counts& counts) {
    const JsonValue* object = object_.find(name);
    if (object == nullptr) return;
    for (const auto& [key, value] : object->members) {
      counts.emplace_back(key, static_cast<uint64_t>(value.number));
    }
  }
  template <class Part>
  void operator()(std::string_view name, std::vector<Part>& parts) {
    for (const JsonValue& value : object_.elements_of(name)) {
      visit(Reader(value), parts.emplace_back());
    }
  }

 private:
  const JsonValue& object_;
};

constexpr int64_t kRecentNs = 3600 * kNanosPerSecond;

}  // namespace

uint64_t DaemonStatus::all_hits() const {
  uint64_t sum = 0;
  for (const auto& [level, number] : hits) sum += number;
  return sum;
}

std::vector<std::string> DaemonStatus::troubles() const {
  std::vector<std::string> told;
  if (blind) {
    told.emplace_back("no events come from the kernel: see detectctl doctor");
  } else if (gaps != 0 && now_ns - last_gap_ns < kRecentNs) {
    told.emplace_back("something was not seen within the last hour: detectctl gaps lists it");
  }
  if (!reload_error.empty()) {
    told.push_back("the last reload was refused, older rules go on: " + reload_error);
  }
  const auto waits = [](uint64_t number) {
    return plural(number, "hit") + (number == 1 ? " waits" : " wait");
  };
  if (in_spill != 0) {
    told.push_back(waits(in_spill) + " in the spill for the database: see detectctl doctor");
  }
  if (in_memory != 0) {
    told.push_back(waits(in_memory) +
                   " in memory only: neither database nor spill take them, see detectctl doctor");
  }
  if (dropped != 0) told.push_back(plural(dropped, "hit") + " could not be kept anywhere");
  for (const SinkStatus& sink : sinks) {
    if (!sink.works) told.push_back("alerts do not get to " + sink.name + ": " + sink.error);
    if (sink.dropped != 0) {
      told.push_back(plural(sink.dropped, "alert") + " for " + sink.name + " could not be delivered in time");
    }
  }
  return told;
}

std::string encode(const DaemonStatus& status) {
  JsonWriter json;
  json.begin_object();
  json.member("type", "status");
  visit(Writer(json), status);
  json.key("troubles");
  json.begin_array();
  for (const std::string& trouble : status.troubles()) json.string(trouble);
  json.end_array();
  json.end_object();
  return json.text() + "\n";
}

DaemonStatus parse_status(const JsonValue& object) {
  DaemonStatus status;
  visit(Reader(object), status);
  return status;
}

}  // namespace detectd
