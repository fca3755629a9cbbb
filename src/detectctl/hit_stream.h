// The events of captures one by one, as they are judged, each with its hits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/matcher.h"
#include "engine/result.h"
#include "engine/rule_set.h"
#include "src/sources/replay.h"
#include "src/worker_pool.h"

namespace detectd {

class HitStream {
 public:
  // Without captures there is nothing but what judge() is given. What is wrong with the captures, their mistakes and warnings, is told on standard error by open() and close().
  static Result<std::unique_ptr<HitStream>> open(ReplayOptions captures, std::shared_ptr<const RuleSet> rules,
                                                 Engine::Options options);

  // Goes on to the next event; false at the end, and when a stop is requested.
  Result<bool> next();
  // From here on next() gives an event that stands in no capture, behind what it gave so far, and ends.
  void judge(Event event);
  // Valid until next().
  const Event& event() const { return ready_[at_]; }
  const std::vector<Hit>& hits() const { return hits_; }
  // The rules that hold for it.
  const std::vector<uint32_t>& held() const { return held_; }
  // Of the event: `web01.jsonl:17`, escaped; empty if it stands in no capture.
  std::string place() const;

  const SourceReport& report() const { return source_->report(); }
  // Nothing more will be read.
  void close();

 private:
  HitStream(std::shared_ptr<const RuleSet> rules, Engine::Options options)
      : rules_(std::move(rules)), engine_(rules_, options), matcher_(*rules_) {}

  Status refill();

  std::shared_ptr<const RuleSet> rules_;
  WorkerPool workers_{1};
  std::unique_ptr<ReplaySource> source_;
  Engine engine_;
  Matcher matcher_;
  std::vector<Event> chunk_;
  std::vector<Event> ready_;
  size_t at_ = 0;     // in ready_
  size_t ahead_ = 0;  // one past it, but for the first of a chunk
  bool ended_ = false;
  std::vector<uint32_t> held_;
  std::vector<Hit> hits_;
};

}  // namespace detectd
