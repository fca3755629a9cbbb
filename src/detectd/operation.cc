#include "src/detectd/operation.h"

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <mutex>

#include "engine/timestamp.h"
#include "src/clock.h"
#include "src/control/process_list.h"
#include "src/detectd/mute_requests.h"
#include "src/enrich/id_names.h"
#include "src/log.h"
#include "src/text.h"

namespace detectd {
namespace {

constexpr size_t kMaxTreeBytes = size_t{8} << 20;

std::optional<uint32_t> find_group(const std::string& name) {
  std::ifstream file("/etc/group");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (const auto& [id, known] : parse_id_names(text)) {
    if (known == name) return id;
  }
  return std::nullopt;
}

}  // namespace

// Where loss is summed up too, since only here each of its events passes.
class Operation::EventTap final : public EventSink {
 public:
  EventTap(EventFeed& feed, EventSink* next) : feed_(feed), next_(next) {}

  void write(const Event& event) override {
    if (event.kind == EventKind::kLost) add_loss(event);
    if (feed_.wanted()) feed_.show(event);
    if (next_ != nullptr) next_->write(event);
  }
  void settle(int64_t now_ns) override {
    if (next_ != nullptr) next_->settle(now_ns);
  }
  int64_t blind_ns() const { return blind_ns_; }
  int64_t last_gap_ns() const { return last_gap_ns_; }

 private:
  void add_loss(const Event& event) {
    last_gap_ns_ = wall_clock_ns();
    const FieldView reason = event.find_carried(field::kReason);
    if (reason.text != "blind" && reason.text != "killed") return;
    const auto begin = parse_rfc3339(event.find_carried(field::kEventStart).text);
    const auto end = parse_rfc3339(event.find_carried(field::kEventEnd).text);
    if (begin && end && *end > *begin) blind_ns_ += *end - *begin;
  }

  EventFeed& feed_;
  EventSink* next_;
  int64_t blind_ns_ = 0;
  int64_t last_gap_ns_ = 0;
};

class Operation::HitTap final : public Report {
 public:
  HitTap(EventFeed& feed, Report& next) : feed_(feed), next_(next) {}

  void show_hits(std::span<const Hit> hits) override {
    if (feed_.wanted()) {
      for (const Hit& hit : hits) feed_.show(hit);
    }
    next_.show_hits(hits);
  }
  void show_loss(const Event& event) override { next_.show_loss(event); }
  void show_summary(const Summary& summary) override { next_.show_summary(summary); }

 private:
  EventFeed& feed_;
  Report& next_;
};

class Operation::News {
 public:
  void add(HealthReport report) {
    const std::lock_guard lock(mutex_);
    reports_.push_back(std::move(report));
    any_ = true;
  }
  // Empty where the other thread is at it just now.
  std::vector<HealthReport> take() {
    std::vector<HealthReport> taken;
    if (!any_) return taken;
    const std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock) return taken;
    taken.swap(reports_);
    any_ = false;
    return taken;
  }

 private:
  std::mutex mutex_;
  std::vector<HealthReport> reports_;
  std::atomic<bool> any_{false};
};

Operation::Operation(std::unique_ptr<ControlServer> server, Edges edges)
    : news_(std::make_unique<News>()), server_(std::move(server)), edges_(std::move(edges)) {}

Operation::~Operation() = default;

std::unique_ptr<Operation> Operation::open(const Config& config, bool owns_host, Edges edges) {
  const bool chosen = config.find("control.path").origin != "default";
  if (!owns_host && !chosen) return nullptr;
  ControlServer::Options options;
  options.path = config.text("control.path");
  if (const std::string& name = config.text("control.group"); !name.empty()) {
    options.group = find_group(name);
    if (!options.group) {
      log::warning("there is no group " + quoted(name) + " (control.group): only root can ask this detectd");
    }
  }
  auto server = ControlServer::open(std::move(options));
  if (!server) {
    log::warning(server.error().message + "; detectctl can not ask this detectd");
    return nullptr;
  }
  return std::unique_ptr<Operation>(new Operation(*std::move(server), std::move(edges)));
}

void Operation::serve() {
  for (const HealthReport& report : news_->take()) edges_.tell(report);
  server_->serve(
      [this](const ControlRequest& request, const ControlPeer& peer) { return answer(request, peer); });
}

ControlAnswer Operation::answer(const ControlRequest& request, const ControlPeer& peer) {
  switch (request.verb) {
    case ControlRequest::Verb::kStatus: return status_answer();
    case ControlRequest::Verb::kReload:
      log::note("loading again, as " + to_string(peer) + " asks");
      return edges_.reload();
    case ControlRequest::Verb::kMode: {
      const Status done = edges_.set_mode(request.mode == "enforce", to_string(peer));
      if (!done) return {.lines = {}, .error = done.error()};
      return {.lines = text_line("responses: " + edges_.status().mode)};
    }
    case ControlRequest::Verb::kTree: return tree_answer(request);
    case ControlRequest::Verb::kMutes:
    case ControlRequest::Verb::kMute:
    case ControlRequest::Verb::kUnmute: return mute_answer(request, peer);
    case ControlRequest::Verb::kFollow: break;
  }
  return {.lines = {}, .error = Error{Errc::kUsage, "this detectd can not do that"}};
}

ControlAnswer Operation::status_answer() const {
  DaemonStatus status = edges_.status();
  if (event_tap_) {
    status.blind_ns = event_tap_->blind_ns();
    status.last_gap_ns = event_tap_->last_gap_ns();
  }
  return {.lines = {}, .more = [status = std::move(status)]() mutable -> Result<std::string> {
            if (!status.database.empty()) status.mutes = mutes_that_hold(status.database, status.now_ns);
            return encode(status);
          }};
}

// Found in the rules here, written into the database there: it may keep one waiting.
ControlAnswer Operation::mute_answer(const ControlRequest& request, const ControlPeer& peer) {
  if (!edges_.database) {
    return {.lines = {}, .error = Error{Errc::kUsage, "without a database nobody is told of hits (--no-db)"}};
  }
  const int64_t now_ns = wall_clock_ns();
  if (request.verb == ControlRequest::Verb::kMutes) {
    return {.lines = {}, .more = [path = *edges_.database, now_ns] { return list_of_mutes(path, now_ns); }};
  }
  const Result<MutedRule> rule = find_rule_to_mute(edges_.rules(), request.rule);
  if (!rule) return {.lines = {}, .error = rule.error()};
  const std::string by = to_string(peer);
  if (request.verb == ControlRequest::Verb::kUnmute) {
    return {.lines = {}, .more = [path = *edges_.database, rule = *rule, now_ns, by, news = news_.get()] {
              Result<std::string> done = unmute_rule(path, rule, now_ns, by);
              if (done)
                news->add({.reason = "unmuted", .message = rule.name + " is no longer muted, by " + by});
              return done;
            }};
  }
  Mute mute;
  mute.rule = rule->id;
  mute.name = rule->name;
  mute.begin_ns = now_ns;
  mute.end_ns = now_ns + std::min(request.for_ns, 2 * kLongestMuteNs);
  mute.reason = request.reason;
  mute.made_by = by;
  return {.lines = {}, .more = [path = *edges_.database, mute = std::move(mute), news = news_.get()] {
            Result<std::string> done = mute_rule(path, mute);
            if (done) {
              news->add({.reason = "muted",
                         .message = mute.name + " is muted until " + format_rfc3339(mute.end_ns, 0) +
                                    ", by " + mute.made_by + ": " + mute.reason});
            }
            return done;
          }};
}

// The table's nodes are immutable: to be written out without the thread that judges.
ControlAnswer Operation::tree_answer(const ControlRequest& request) const {
  return {.lines = {}, .more = [running = edges_.running(), pid = request.pid]() -> Result<std::string> {
            return process_lines(running, pid, kMaxTreeBytes);
          }};
}

EventSink& Operation::tap(EventSink* capture) {
  event_tap_ = std::make_unique<EventTap>(server_->feed(), capture);
  return *event_tap_;
}

Report& Operation::tap(Report& report) {
  hit_tap_ = std::make_unique<HitTap>(server_->feed(), report);
  return *hit_tap_;
}

uint64_t count_responding(const RuleSet& rules) {
  uint64_t count = 0;
  for (const CompiledRule& rule : rules.rules()) count += responds(rule.rule->response) ? 1 : 0;
  for (const CompiledCorrelation& rule : rules.correlations()) count += responds(rule.rule->response) ? 1 : 0;
  return count;
}

}  // namespace detectd
