// What an operator may ask of a running daemon: the control socket, and what answers stand behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "src/control/control_server.h"
#include "src/control/daemon_status.h"
#include "src/detectd/config.h"
#include "src/event_sink.h"
#include "src/live/health.h"
#include "src/report/report.h"

namespace detectd {

class Operation {
 public:
  // Of the daemon; called by the thread that judges, between two chunks.
  struct Edges {
    std::function<DaemonStatus()> status;
    std::function<ControlAnswer()> reload;
    // Whether responses are carried out; the Error says why not. `by` is who asked.
    std::function<Status(bool enforce, const std::string& by)> set_mode;
    std::function<std::vector<std::shared_ptr<const Process>>()> running;
    std::function<const RuleSet&()> rules;
    std::optional<std::string> database = std::nullopt;
    // To be told among the events.
    std::function<void(const HealthReport&)> tell = {};
  };

  // Null where nobody is to be answered: not by who holds no lock of the host, unless the configuration names a place.
  // What goes wrong is told, and the daemon goes on without.
  static std::unique_ptr<Operation> open(const Config& config, bool owns_host, Edges edges);

  // Between two chunks.
  void serve();

  // What the pipeline is given instead, so that events and hits can be followed.
  EventSink& tap(EventSink* capture);
  Report& tap(Report& report);

 private:
  // Looks at what passes.
  class EventTap;
  class HitTap;
  // What the thread that serves has done, to be told by the one that judges.
  class News;

  Operation(std::unique_ptr<ControlServer> server, Edges edges);
  ControlAnswer answer(const ControlRequest& request, const ControlPeer& peer);
  ControlAnswer status_answer() const;
  ControlAnswer tree_answer(const ControlRequest& request) const;
  ControlAnswer mute_answer(const ControlRequest& request, const ControlPeer& peer);

  std::unique_ptr<News> news_;  // outlives the thread that serves
  std::unique_ptr<ControlServer> server_;
  Edges edges_;
  std::unique_ptr<EventTap> event_tap_;
  std::unique_ptr<HitTap> hit_tap_;

 public:
  ~Operation();
};

// Of a rule set: those that ask for more than an alert.
uint64_t count_responding(const RuleSet& rules);

}  // namespace detectd
